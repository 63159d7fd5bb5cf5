"""The end of a run: its final metrics, its status, and its row in TensorBoard's HPARAMS tab."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from activation_search.config.run import TrainConfig, fingerprint
from activation_search.diagnostics.confusion import MOST_CLASSES
from activation_search.diagnostics.tensorboard import write_hparams
from activation_search.training.checkpoint import BEST
from activation_search.training.criterion import Criterion
from activation_search.training.history import EpochRow
from activation_search.training.profilers import NoProfiler
from activation_search.training.result import DIVERGED, FINISHED, PRUNED
from activation_search.training.session import Session


def conclude(session: Session) -> None:
    """Sets the result's status and final metrics, tests where asked to, and writes HPARAMS."""
    config, result, history = session.config, session.result, session.history
    last = history.curve[-1] if history.curve else {}
    result.metrics = {k: v for k, v in last.items() if k.startswith("val_")}
    if history.stop.diverged:
        result.status, result.reason = DIVERGED, history.stop.diverged
    elif history.pruned:
        result.status = PRUNED
    else:
        result.status = FINISHED
        _evaluate(session)
        result.confusion = _confusion(session)
    if config.tensorboard.enabled:
        write_hparams(
            Path(result.directory),
            hparams(config, result.assignment) | {"parameters": result.parameters},
            result.metrics,
            session_group=fingerprint(
                {**config.identity(), "seed": None, "activation": result.assignment}
            ),
            success=result.status == FINISHED,
        )


def _evaluate(session: Session) -> None:
    """The metrics of the weights that count: the last ones, or with early stopping the best."""
    config, result, module = session.config, session.result, session.module
    stoppers = session.trainer.early_stopping_callbacks
    result.stopped_early = any(stopper.stopped_epoch > 0 for stopper in stoppers)
    if config.early_stopping.patience is not None:  # and not by a callback of the user's own
        # From the curve, so that a study, which keeps no weights, has the same numbers.
        row = _best_row(session.history.curve, module.criterion)
        result.metrics = {k: v for k, v in row.items() if k.startswith("val_")}
        result.evaluated = "best"
        if row is not session.history.curve[-1]:
            module.confusion = ("", None)  # of the last epoch's weights; a test counts anew
        best = Path(result.directory) / BEST
        if best.exists():
            # By hand: Lightning would also restore the callbacks, and with them the curve.
            stored = torch.load(best, weights_only=True, map_location=module.device)
            module.load_state_dict(stored["state_dict"])
    if config.test:
        trainer: Any = session.trainer  # some of whose attributes have no types
        trainer.profiler = NoProfiler()  # what is profiled is the training
        trainer.test(module, datamodule=session.data, verbose=False)
        found = session.trainer.callback_metrics
        result.metrics |= {name: value.item() for name, value in found.items()}
    for name, value in result.metrics.items():
        # Other metrics may be undefined on a split, or overflow, where the loss does not.
        if name.endswith("_loss") and not math.isfinite(value):
            result.status, result.reason = DIVERGED, f"final {name} is {value}"


def _confusion(session: Session) -> dict[str, Any]:
    """What the last evaluation confused; nothing where that would be too much to look at."""
    split, counts = session.module.confusion
    if counts is None or len(counts) > MOST_CLASSES:
        return {}
    names = session.module.target.names or range(len(counts))
    return {"split": split, "names": [str(name) for name in names], "counts": counts.tolist()}


def _best_row(curve: list[EpochRow], criterion: Criterion) -> EpochRow:
    """The first of the best epochs, whose weights best.ckpt keeps."""
    metric, sign = f"val_{criterion.metric}", criterion.sign
    return max(curve, key=lambda row: sign * row.get(metric, -sign * math.inf))


def hparams(
    config: TrainConfig, assignment: Mapping[str, str]
) -> dict[str, float | int | str | bool]:
    """The columns of the HPARAMS tab that are known before a run.

    Args:
        config: the run's.
        assignment: site -> activation.
    """
    return {
        "model": config.model.label,
        "data": config.data.label,
        "activation": ", ".join(dict.fromkeys(assignment.values())),
        "lr": config.optim.lr,
        "optimizer": config.optim.label,
        "schedule": config.optim.schedule_label,
        "weight_decay": config.optim.weight_decay,
        "batch_size": config.data.batch_size,
        "init": config.init,
        "seed": config.seed,
        **({} if config.tensorboard.trial is None else {"trial": config.tensorboard.trial}),
        **{
            f"model/{key}": value
            for key, value in asdict(config.model).items()
            if key != "name" and isinstance(value, int | float | str)
        },
        **{
            f"model/{key}": value
            for key, value in getattr(config.model, "args", {}).items()
            if isinstance(value, int | float | str)
        },
        **{f"site/{site}": name for site, name in assignment.items()},
    }
