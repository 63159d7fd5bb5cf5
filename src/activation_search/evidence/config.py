"""The configuration of a comparison. Torch and Hydra are not imported."""

from dataclasses import dataclass, field
from typing import Any

from activation_search.settings import setting
from activation_search.training.config import TrainConfig, activation_imports


@dataclass
class CompareConfig(TrainConfig):
    """A comparison: the run that candidates vary, on the same seeds for all.

    candidates: of each, a name, an assignment ``{name: relu, layers: {conv2: gelu}}``, a YAML file
        with one, or ``<study>:<rank>`` for the assignment of a row of a study's leaderboard, in
        which case all run on seeds that the study never used.
    baseline: one of them; by default the first.
    seeds: how many, from ``seed`` on.
    tune_lr: choose each candidate's learning rate first, on the validation split, at a seed that
        the comparison does not use.
    lr_grid: the rates to choose from.
    models, datasets: compare on each pair of these in turn; by default on ``model`` and ``data``.
    name: of the comparison; by default its models and data sets.
    workers: processes, or ``auto``: one per core, or one per GPU.
    """

    candidates: Any = None
    baseline: str | None = None
    seeds: int = setting(10, low=2, high=10_000)
    tune_lr: bool = False
    lr_grid: list[float] = field(default_factory=lambda: [1e-3, 3e-3, 1e-2, 3e-2, 1e-1])
    models: Any = None
    datasets: Any = None
    name: str | None = None
    workers: Any = "auto"

    def import_paths(self) -> set[str]:
        return super().import_paths() | activation_imports(self.candidates)
