"""The configuration of a comparison. Torch and Hydra are not imported."""

from dataclasses import dataclass
from typing import Any

from activation_search.config.engine import EngineConfig
from activation_search.config.limits import setting
from activation_search.config.run import activation_imports


@dataclass
class CompareConfig(EngineConfig):
    """A comparison: the run that candidates vary, on the same seeds for all."""

    candidates: Any = setting(
        None,
        help="of each, a name, an assignment {name: relu, layers: {conv2: gelu}}, a YAML file with "
        "one, or <study>:<rank> for a row of a study's leaderboard, in which case all run on seeds "
        "that the study never used",
    )
    baseline: str | None = setting(None, help="one of them; defaults to the first")
    seeds: int = setting(10, low=2, high=10_000, help="how many, from seed on")
    tune_lr: bool = setting(
        False,
        help="choose each candidate's learning rate first, on the validation split, at a seed that "
        "the comparison does not use",
    )
    lr_grid: list[float] = setting(
        factory=lambda: [1e-3, 3e-3, 1e-2, 3e-2, 1e-1], help="the rates to choose from"
    )
    models: Any = setting(None, help="compare on each of these models; defaults to model")
    datasets: Any = setting(None, help="and on each of these data sets; defaults to data")
    name: str | None = setting(None, help="of the comparison; defaults to its models and data sets")

    def import_paths(self) -> set[str]:
        return super().import_paths() | activation_imports(self.candidates)
