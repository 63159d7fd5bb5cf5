"""Parts of the user's own in Lightning's trainer, by import path: callbacks and loggers."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.pytorch.loggers import Logger

from activation_search.config.own_parts import parse_parts
from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.training.optim import check_own_optimizer
from activation_search.training.tracking.trackers import check_trackers
from activation_search.user_code import call_own, own_callable, takes


def check_own_parts(config: TrainConfig) -> None:
    """Builds the optimizer, the schedule and the callbacks of the user's own once, and looks for
    the packages of trackers, so that a mistake in them is found before anything is written.

    Raises:
        UserError: one of them fails, or is of another kind.
    """
    check_own_optimizer(config.optim)
    own_callbacks(config)
    check_trackers(config)


def own_callbacks(config: TrainConfig) -> list[pl.Callback]:
    """What ``trainer.callbacks`` names, built anew.

    Raises:
        UserError: one fails, or is no callback.
    """
    key = "trainer.callbacks"
    parts = parse_parts(key, config.trainer.callbacks)
    return [_own(key, part.target, pl.Callback, dict(part.args)) for part in parts]


def own_loggers(config: TrainConfig, directory: Path) -> list[Logger]:
    """What ``trainer.loggers`` names.

    Args:
        config: the run's.
        directory: of the run, where they write unless they are given another ``save_dir``.

    Raises:
        UserError: one fails, or is no logger.
    """
    key = "trainer.loggers"
    found = []
    for part in parse_parts(key, config.trainer.loggers):
        args = dict(part.args)
        if takes(own_callable(key, part.target), "save_dir"):
            args.setdefault("save_dir", str(directory))
        found.append(_own(key, part.target, Logger, args))
    return found


def _own(key: str, path: str, kind: type, args: dict[str, Any]) -> Any:
    made = call_own(key, path, **args)
    if not isinstance(made, kind):
        raise UserError(
            f"{key}={path} must give a Lightning {kind.__name__}, not a {type(made).__name__}."
        )
    return made
