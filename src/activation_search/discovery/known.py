"""The hand-made functions that formulas are held against, each at its best learning rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from activation_search.activations import Activation
from activation_search.config.run import TrainConfig
from activation_search.discovery.driver import with_activation
from activation_search.engine.runner import Runner
from activation_search.evidence.compare import tune
from activation_search.training.task import criterion_of

Rates = Mapping[str, float]
"""Learning rate -> metric on the validation split."""


@dataclass(frozen=True)
class Known:
    """Hand-made functions.

    runs: name -> a run at its best learning rate, the best function first. rates: name -> rates.
    """

    runs: dict[str, TrainConfig]
    rates: dict[str, dict[str, float]]

    @property
    def learning_rate(self) -> float:
        """At which the best of them is best.

        At a rate that is too small a search breeds functions that make steps larger, such as steep
        ones, and those are of no use at a rate that suits.
        """
        return next(iter(self.runs.values())).optim.lr


def tune_known(
    names: Sequence[str], grid: Sequence[float], base: TrainConfig, runner: Runner
) -> Known:
    """Trains each function once at each learning rate.

    Args:
        names: of the functions, with their parameters.
        grid: learning rates.
        base: the run in which formulas are tried.
        runner: what trains them.
    """
    run = replace(base, group=rates_group(base))
    candidates = {name: with_activation(run, Activation.from_text(name)) for name in names}
    tuned, rates = tune(candidates, grid, runner)
    order = sorted(names, key=lambda name: best_metric(rates[name], base), reverse=True)
    return Known({name: tuned[name] for name in order}, rates)


def rates_group(base: TrainConfig) -> str:
    """The folder of runs that choose a learning rate."""
    return str(Path(base.group).with_name("rates"))


def best_metric(rates: Rates, base: TrainConfig) -> float:
    """The best metric of a function over learning rates, the larger the better."""
    sign = criterion_of(base).sign
    return max((sign * value for value in rates.values()), default=-math.inf)
