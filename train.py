"""Trains one model:  python train.py activation=gelu

Every setting is an override, ``python train.py model=lstm optim.lr=3e-3 seed=1``; several runs in
a row are a multirun, ``python train.py -m activation=relu,gelu,prelu seed=0,1,2``.
"""

import sys

import hydra
from omegaconf import DictConfig

from activation_search.compose import explained, job_config, register
from activation_search.errors import exit_code, reported

register()
exit_codes: list[int] = []  # one per job of a multirun


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(composed: DictConfig) -> None:
    # Imported here: torch takes seconds, which --help and shell completion need not wait for.
    from activation_search.training.command import run

    exit_codes.append(reported(lambda: run(job_config(composed))))


if __name__ == "__main__":
    exit_codes.append(exit_code(lambda: explained(main)))
    sys.exit(max(exit_codes))
