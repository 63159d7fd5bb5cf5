"""Looks at a model before it trains:  python scripts/health.py model=mlp model.depth=10

    python scripts/health.py model=cnn activation=gelu
    python scripts/health.py model=mlp model.depth=10 'activations=[sigmoid,tanh,relu]' init=torch

Signal and gradient per layer, dead and saturated units, the verdict with what to try, and a
picture in logs/health/.
"""

import sys

import hydra
from omegaconf import DictConfig

from activation_search.compose import explained, register, to_config
from activation_search.errors import exit_code, reported
from activation_search.training.config import InitialConfig

register()
exit_codes: list[int] = []


@hydra.main(version_base="1.3", config_path="../conf", config_name="health")
def main(composed: DictConfig) -> None:
    # Imported here: torch takes seconds, which --help and shell completion need not wait for.
    from activation_search.training.initial_report import report

    exit_codes.append(reported(lambda: report(to_config(composed, InitialConfig))))


if __name__ == "__main__":
    exit_codes.append(exit_code(lambda: explained(main)))
    sys.exit(max(exit_codes))
