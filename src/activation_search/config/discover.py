"""The configuration of a search for new functions. Torch and Hydra are not imported."""

from dataclasses import dataclass
from typing import Any

from activation_search.config.engine import EngineConfig
from activation_search.config.limits import setting
from activation_search.config.run import activation_imports

MAX_FORMULAS = 1_000_000


@dataclass
class DiscoverConfig(EngineConfig):
    """A search for new functions: the run in which each is tried, and how they are bred."""

    formulas: int = setting(
        300, low=2, high=MAX_FORMULAS, help="how many are trained, resumed commands included"
    )
    control: bool = setting(
        True, help="and as many drawn at random, which shows what evolution adds"
    )
    repetitions: int = setting(
        1,
        low=1,
        high=1000,
        help="of both, each with its own draws; from five on with a verdict on what evolution adds",
    )
    pieces: Any = setting("all", help="a list of operators that formulas are made of")
    units: int = setting(2, low=1, high=3, help="of the form b(u(x), v(x)), in a new formula")
    population: int = setting(
        40, low=2, high=10_000, help="how many of the youngest may have children"
    )
    tournament: int = setting(8, low=1, high=10_000, help="how many of them compete to be a parent")
    halving: bool = setting(
        True, help="end a training at a third of its epochs unless it is in the best third there"
    )
    finalists: int = setting(
        12, low=1, high=1000, help="the best formulas, which are trained on further seeds"
    )
    finalist_seeds: int = setting(
        3, low=1, high=1000, help="for that, and for as many hand-made functions"
    )
    hand_made: Any = setting(
        "all",
        help="a list of the functions that formulas are held against; all for those of the "
        "catalogue that take single channels and draw no noise",
    )
    confirm: int = setting(
        3,
        low=1,
        high=100,
        help="how many formulas, and as many hand-made functions, are compared at the end",
    )
    confirm_seeds: int = setting(
        10, low=2, high=10_000, help="for that, seeds that the search never used"
    )
    transfer_models: Any = setting(
        None, help="other models, on each of which that comparison is made again"
    )
    transfer_datasets: Any = setting(None, help="other data sets, likewise")
    tune_lr: bool = setting(
        True,
        help="try formulas at the rate at which the best hand-made function is best, and not at "
        "optim.lr",
    )
    lr_grid: list[float] = setting(
        factory=lambda: [1e-3, 3e-3, 1e-2, 3e-2, 1e-1],
        help="learning rates, of which each function gets its best, on the validation split",
    )
    max_failures: int = setting(
        5, low=0, high=MAX_FORMULAS, help="formulas that raise an error before the search stops"
    )
    name: str | None = setting(None, help="of the search; defaults to model and data")
    storage: str | None = setting(
        None, help="an Optuna URL; defaults to a journal in the search's folder"
    )

    def import_paths(self) -> set[str]:
        return super().import_paths() | activation_imports(self.hand_made)
