"""What follows a run beside TensorBoard: nothing of it is imported unless a run asks for it."""

import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from lightning.pytorch.loggers import Logger

from activation_search.config.parts import tracker_names
from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.passwords import without_passwords
from activation_search.training.history import EpochRow
from activation_search.training.result import RunResult
from activation_search.training.tracking.curve_csv import CurveCSV
from activation_search.training.tracking.lightning_logger import LightningLogger

PACKAGES = {"mlflow": "mlflow", "wandb": "wandb"}  # of trackers that need one


class Tracker(Protocol):
    """Follows one run."""

    def epoch(self, curve: list[EpochRow]) -> None:
        """After each epoch; its row is the last one."""

    def end(self, result: RunResult) -> None:
        """After all else, however the run ended: the last call."""


class Trackers:
    """All trackers of a run. One that fails is left out from then on, and the run continues.

    Args:
        trackers: name -> tracker.
    """

    def __init__(self, trackers: Mapping[str, Tracker]):
        self.trackers = dict(trackers)

    def epoch(self, curve: list[EpochRow]) -> None:
        """See :class:`Tracker`."""
        self._each(lambda tracker: tracker.epoch(curve))

    def end(self, result: RunResult) -> None:
        """See :class:`Tracker`."""
        self._each(lambda tracker: tracker.end(result))

    def _each(self, tell: Callable[[Tracker], None]) -> None:
        for name, tracker in list(self.trackers.items()):
            try:
                tell(tracker)
            except Exception as error:  # a server that is gone, a full disk, a foreign program
                del self.trackers[name]
                first = without_passwords(next(iter(str(error).splitlines()), ""))
                print(
                    f"Note: {name} follows this run no longer: {type(error).__name__}: {first}",
                    file=sys.stderr,
                )


def check_trackers(config: TrainConfig) -> None:
    """Whether the packages of a run's trackers are installed.

    Raises:
        UserError: one is not.
    """
    for name in tracker_names(config.tracker):
        package = PACKAGES.get(name)
        if package and find_spec(package) is None:
            raise UserError(f"tracker={name} needs a package: pip install {package}.")


def open_trackers(config: TrainConfig, directory: Path, loggers: list[Logger]) -> Trackers:
    """The trackers that a run asks for, before TensorBoard's writer is opened, which W&B watches.

    Args:
        config: the run's.
        directory: of the run.
        loggers: Lightning's, of the user's own.

    Raises:
        UserError: one cannot be opened.
    """
    opened: dict[str, Tracker] = {}
    for logger in loggers:
        name = f"trainer.loggers={type(logger).__name__}"
        opened[f"{name} {len(opened)}"] = LightningLogger(logger, config)
    for name in tracker_names(config.tracker):
        opened[f"tracker={name}"] = _open(name, config, directory)
    return Trackers(opened)


def _open(name: str, config: TrainConfig, directory: Path) -> Tracker:
    if name == "csv":
        return CurveCSV(directory)
    try:
        if name == "mlflow":
            from activation_search.training.tracking.mlflow_run import MLflowRun

            return MLflowRun(config, directory)
        from activation_search.training.tracking.wandb_run import WandbRun

        return WandbRun(config, directory)
    except Exception as error:  # no login, no network, a store of another version
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"tracker={name} cannot begin: {reason}") from error
