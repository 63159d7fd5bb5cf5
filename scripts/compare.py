"""Compares activations on the same seeds:  python scripts/compare.py 'candidates=[relu,gelu,prelu]'

    python scripts/compare.py model=cnn 'candidates=[relu,gelu,prelu,silu]' seeds=10 tune_lr=true
    python scripts/compare.py 'models=[mlp,cnn]' 'candidates=[relu,gelu]'

The first one is the baseline. The same command trains only what is missing; more seeds add to those
that are there. Everything lies in logs/compare/<name>/, the report with it.
"""

import sys

import hydra
from omegaconf import DictConfig

from activation_search.compose import explained, register, to_config
from activation_search.errors import exit_code, reported
from activation_search.evidence.config import CompareConfig

register()
exit_codes: list[int] = []


@hydra.main(version_base="1.3", config_path="../conf", config_name="compare")
def main(composed: DictConfig) -> None:
    # Imported here: torch takes seconds, which --help and shell completion need not wait for.
    from activation_search.evidence.command import run

    exit_codes.append(reported(lambda: run(to_config(composed, CompareConfig))))


if __name__ == "__main__":
    exit_codes.append(exit_code(lambda: explained(main)))
    sys.exit(max(exit_codes))
