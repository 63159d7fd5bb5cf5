"""The configuration of a study. Torch and Hydra are not imported."""

from dataclasses import dataclass, field
from typing import Any

from activation_search.settings import setting
from activation_search.training.config import LARGEST_COUNT, TrainConfig, activation_imports

# Good ones of every kind: piecewise linear, exponential, smooth, bounded, and three that learn.
DEFAULT_CANDIDATES = (
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "mish",
    "tanh",
    "relu2",
    "prelu",
    "swish_beta",
    "apl",
)
LARGEST_TRIALS = 1_000_000
SAMPLERS = ("auto", "tpe", "random", "gp", "grid")
PRUNERS = ("none", "median", "hyperband", "wilcoxon")


@dataclass
class SearchConfig:
    """What a study searches, given by ``search=...``.

    name: of the space; part of the study's default name.
    sites: which sites are searched: ``all`` that one activation for the whole model would fill,
        or a pattern, or a list of patterns.
    per_site: whether each site has its own choice, or all of them one.
    tie: lists of patterns; the sites that one list matches share a choice.
    candidates: a list of activations, ``default`` for a dozen varied ones, ``all`` of the
        catalogue, or a mapping from site pattern to list. One that does not fit a site is left
        out there.
    parameters: whether a candidate's own parameters are drawn too.
    hparams: other settings to draw, ``{optim.lr: {low: 1e-4, high: 1e-1, log: true}}`` or
        ``{model.norm: [none, batch]}``.
    controls: copies of the baseline under other seeds, whose spread is the size of luck.
    """

    name: str
    per_site: bool
    sites: Any = "all"
    tie: list[Any] = field(default_factory=list)
    candidates: Any = "default"
    parameters: bool = False
    hparams: dict[str, Any] = field(default_factory=dict)
    controls: int = setting(0, low=0, high=LARGEST_TRIALS)


@dataclass
class SweepConfig(TrainConfig):
    """A study: the run that each trial varies, and how trials are chosen and run.

    search: the space.
    trials: in total, over all commands that went on with the study; controls come on top.
    name: of the study; by default model, data and space.
    storage: an Optuna URL, or ``journal:///path/file``; by default a journal in the study's
        folder ``<logs>/sweeps/<name>``.
    workers: processes, or ``auto``: one per core, or one per GPU.
    sampler: ``auto`` tries every combination once where the trials suffice, and is TPE otherwise.
    pruner: stops trials that fall behind. ``none`` is right for few trials, since activations
        that start late would be lost; prune_warmup: epochs before a trial can be pruned.
    seeds_per_trial: runs per trial, averaged.
    max_failures: trials that raise an error before the study stops.
    confirm: how many of the best are compared with the baseline at the end, on confirm_seeds seeds
        that the study never used; 0 for none.
    """

    search: SearchConfig = field(default_factory=lambda: SearchConfig("global", False))
    trials: int = setting(24, low=1, high=LARGEST_TRIALS)
    name: str | None = None
    storage: str | None = None
    workers: Any = "auto"
    sampler: str = setting("auto", choices=SAMPLERS)
    pruner: str = setting("none", choices=PRUNERS)
    prune_warmup: int = setting(5, low=0, high=LARGEST_COUNT)
    seeds_per_trial: int = setting(1, low=1, high=10_000)
    max_failures: int = setting(5, low=0, high=LARGEST_TRIALS)
    confirm: int = setting(0, low=0, high=LARGEST_TRIALS)
    confirm_seeds: int = setting(10, low=2, high=10_000)

    def import_paths(self) -> set[str]:
        return super().import_paths() | activation_imports(self.search.candidates)
