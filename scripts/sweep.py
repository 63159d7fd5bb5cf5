"""Searches for the best activations:  python scripts/sweep.py search=per_layer trials=60

    python scripts/sweep.py                                    # one activation for the whole CNN
    python scripts/sweep.py model=lstm search=gates trials=20  # an LSTM's gates and cell
    python scripts/sweep.py 'search.candidates=[relu,gelu,prelu]' seeds_per_trial=3

The same command goes on with a study that was stopped. Everything lies in logs/sweeps/<name>/.
"""

import sys

import hydra
from omegaconf import DictConfig

from activation_search.compose import explained, register, to_config
from activation_search.errors import exit_code, reported
from activation_search.search.config import SweepConfig

register()
exit_codes: list[int] = []


@hydra.main(version_base="1.3", config_path="../conf", config_name="sweep")
def main(composed: DictConfig) -> None:
    # Imported here: torch takes seconds, which --help and shell completion need not wait for.
    from activation_search.search.command import run

    exit_codes.append(reported(lambda: run(to_config(composed, SweepConfig))))


if __name__ == "__main__":
    exit_codes.append(exit_code(lambda: explained(main)))
    sys.exit(max(exit_codes))
