"""How a run is called where others are that it belongs to."""

from pathlib import Path

from activation_search.config.run import TrainConfig

PROJECT = "activation-search"


def group_of(config: TrainConfig) -> str:
    """The study, comparison or multirun that a run belongs to: ``sweeps/cnn-mnist1d-global``.

    Example:
        group_of(config)  # of group=sweeps/s/runs: "sweeps/s"
    """
    return config.group.removesuffix("/runs")


def run_name(directory: Path) -> str:
    """Short, and unlike those of other runs: ``cnn-mnist1d-gelu/20261124-080951``."""
    return "/".join(directory.parts[-2:])
