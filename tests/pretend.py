"""Runs that are not trained: a test writes their numbers, and so knows what must follow from them.

What a study or a comparison makes of its runs is tested on these: it costs no time, and cannot
depend on what a training happens to reach on one CPU.
"""

import math
from collections.abc import Callable, Sequence

from activation_search.config.run import TrainConfig
from activation_search.models.factory import sites_on
from activation_search.models.sites import assign
from activation_search.training import directory
from activation_search.training.result import DIVERGED, FINISHED, PRUNED, RunResult
from activation_search.training.task import criterion_of

# A run's metric after each of its epochs; NaN where it diverges.
Score = Callable[[TrainConfig], Sequence[float]]
Row = dict[str, float]
PARAMETERS = 100


def name_of(config: TrainConfig) -> str:
    """The activation that a run has at all sites."""
    return str(config.activation.name)


def pretend(
    config: TrainConfig, metric: Sequence[float], on_epoch: Callable[[Row], bool] | None = None
) -> RunResult:
    """The result of a run whose metric is this after each epoch, written where a real one is; test
    and validation metric are equal, and the loss is what the metric lacks to 1."""
    criterion = criterion_of(config)
    sites = sites_on(config.model, config.data)
    result = RunResult(
        directory=str(directory.create(config)),
        config=config.as_dict(),
        status=FINISHED,
        metric=criterion.metric,
        seed=config.seed,
        assignment={site: str(a) for site, a in assign(sites, config.activation).items()},
        parameters=PARAMETERS,
        seconds=2.0,
        training_seconds=1.0,
    )
    for epoch, value in enumerate(metric):
        row: Row = {"epoch": epoch, "step": 10 * (epoch + 1), "train_loss": 1.0}
        row |= {"val_loss": 1 - value, f"val_{criterion.metric}": value}
        result.curve.append(row)
        if math.isnan(value):
            result.status, result.reason = DIVERGED, "training loss is nan"
            break
        if on_epoch and on_epoch(row):
            result.status = PRUNED
            break
    result.epochs, result.steps = len(result.curve), 10 * len(result.curve)
    result.metrics = {k: v for k, v in result.curve[-1].items() if k.startswith("val_")}
    if config.test and result.status == FINISHED:
        result.metrics |= {f"test{k.removeprefix('val')}": v for k, v in result.metrics.items()}
    result.write()
    return result
