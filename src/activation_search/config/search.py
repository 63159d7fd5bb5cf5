"""The configuration of a study. Torch and Hydra are not imported."""

from dataclasses import dataclass, field
from typing import Any

from activation_search.config.engine import EngineConfig
from activation_search.config.limits import setting
from activation_search.config.parts import MAX_COUNT
from activation_search.config.run import activation_imports

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
MAX_TRIALS = 1_000_000
SAMPLERS = ("auto", "tpe", "random", "gp", "grid", "nsga2")
PRUNERS = ("none", "median", "hyperband", "wilcoxon")


@dataclass
class SearchConfig:
    """What a study searches, given by ``search=...``."""

    name: str
    per_site: bool = setting(help="each site has its own choice, or all of them one")
    sites: Any = setting(
        "all",
        help="all that one activation for the whole model would fill, a pattern, or a list of them",
    )
    tie: list[Any] = setting(
        factory=list,
        help="lists of patterns; the sites that one list matches share a choice; defaults to one "
        "list per stage for a model of your own with more than 8 sites",
    )
    candidates: Any = setting(
        "default",
        help="a list of activations, default for a dozen varied ones, all of the catalogue, or a "
        "mapping from site pattern to list; one that does not fit a site is left out there",
    )
    parameters: bool = setting(False, help="draw a candidate's own parameters too")
    hparams: dict[str, Any] = setting(
        factory=dict,
        help="other settings to draw: {optim.lr: {low: 1e-4, high: 1e-1, log: true}} or "
        "{model.norm: [none, batch]}",
    )
    objectives: list[str] = setting(
        factory=list,
        help="what is optimised at once: the metric, then parameters, milliseconds (of a training "
        "step) or both; defaults to the metric alone",
    )
    limits: dict[str, Any] = setting(
        factory=dict,
        help="what a trial may cost: {parameters: 50000}, above which none is trained, and "
        "{milliseconds: 2} per training step, which is known once it is trained",
    )
    controls: int = setting(
        0,
        low=0,
        high=MAX_TRIALS,
        help="copies of the baseline under other seeds: their spread is the size of luck",
    )


@dataclass
class SweepConfig(EngineConfig):
    """A study: the run that each trial varies, and how trials are chosen and run."""

    search: SearchConfig = field(default_factory=lambda: SearchConfig("global", False))
    trials: int = setting(
        24, low=1, high=MAX_TRIALS, help="in total, resumed commands included; controls on top"
    )
    name: str | None = setting(None, help="of the study; defaults to model, data and space")
    storage: str | None = setting(
        None,
        help="an Optuna URL or journal:///path/file; defaults to a journal in the study's folder",
    )
    sampler: str = setting(
        "auto",
        choices=SAMPLERS,
        help="auto tries every combination once where the trials suffice, and is TPE otherwise",
    )
    pruner: str = setting(
        "none",
        choices=PRUNERS,
        help="stops trials that fall behind; none suits few trials, where activations that start "
        "late would be lost",
    )
    prune_warmup: int = setting(
        5, low=0, high=MAX_COUNT, help="epochs before a trial can be pruned"
    )
    seeds_per_trial: int = setting(1, low=1, high=10_000, help="runs per trial, averaged")
    max_failures: int = setting(
        5, low=0, high=MAX_TRIALS, help="trials that raise an error before the study stops"
    )
    confirm: int = setting(
        0,
        low=0,
        high=MAX_TRIALS,
        help="how many of the best are compared with the baseline at the end; 0 for none",
    )
    confirm_seeds: int = setting(
        10, low=2, high=10_000, help="for that, seeds that the study never used"
    )

    def import_paths(self) -> set[str]:
        return super().import_paths() | activation_imports(self.search.candidates)
