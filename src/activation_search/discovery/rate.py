"""The learning rate at which formulas are tried."""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from activation_search.activations import Activation
from activation_search.config.discover import DiscoverConfig
from activation_search.config.run import TrainConfig
from activation_search.discovery.driver import with_activation
from activation_search.engine.runner import Runner
from activation_search.evidence.compare import tune
from activation_search.training.task import criterion_of

PROBES = ("relu", "silu", "tanh")


def at_best_rate(config: DiscoverConfig, base: TrainConfig, runner: Runner) -> TrainConfig:
    """The run at the one of ``lr_grid`` at which the best of three well-known functions is best.

    At a rate that is too small a search breeds functions that make steps larger, such as steep
    ones, and those are of no use at a rate that suits.

    Args:
        config: of the search.
        base: its run, with a rate of its own.
        runner: what trains them.
    """
    run = replace(base, group=str(Path(base.group).with_name("rates")))
    probes = {name: with_activation(run, Activation.from_text(name)) for name in PROBES}
    tuned, rates = tune(probes, config.lr_grid, runner)
    best = max(PROBES, key=lambda name: best_metric(rates[name], base))
    return replace(base, optim=replace(base.optim, lr=tuned[best].optim.lr))


def best_metric(rates: Mapping[str, float], base: TrainConfig) -> float:
    """The best metric of a function over learning rates, the larger the better."""
    sign = 1 if criterion_of(base).mode == "max" else -1
    return max((sign * value for value in rates.values()), default=-math.inf)
