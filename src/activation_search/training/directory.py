"""Run directories: made so that two runs never share one, found again to resume."""

import os
import socket
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from activation_search.errors import UserError
from activation_search.training.config import TrainConfig, from_dict
from activation_search.training.result import FINISHED, RUNNING, STOPPED, RunResult, read_result


def create(config: TrainConfig) -> Path:
    """A new directory ``<logs>/<group>/<model>-<data>-<activation>/<time>[-<n>]``.

    Raises:
        UserError: it cannot be written.
    """
    parent = Path(config.logs) / config.group / config.label
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for n in range(1, 10_000):
            directory = parent / (stamp if n == 1 else f"{stamp}-{n}")
            try:
                directory.mkdir()  # fails where another process was first
            except FileExistsError:
                continue
            return directory
    except OSError as error:
        raise UserError(f"Cannot write runs to {parent}: {error.strerror}.") from error
    raise UserError(f"{parent} holds too many runs of one second.")


def find_unfinished(config: TrainConfig) -> Path | None:
    """The newest run of the same configuration that neither finished nor still runs."""
    parent = Path(config.logs) / config.group / config.label
    wanted = config.identity()
    for directory in sorted(parent.glob("*"), reverse=True):
        try:
            result = read_result(directory)
        except (OSError, ValueError):
            continue
        if can_resume(result) and from_dict(result.config).identity() == wanted:
            return directory
    return None


def open_unfinished(path: str) -> RunResult:
    """The result of a given run directory that can be resumed.

    Raises:
        UserError: no run is there, or it is finished or still running.
    """
    directory = Path(path)
    try:
        result = read_result(directory)
    except (OSError, ValueError) as error:
        nearby = ", ".join(str(d) for d in _runs_near(directory)) or "none"
        raise UserError(
            f"resume={path} is no run directory with a result.json; "
            f"unfinished runs nearby: {nearby}."
        ) from error
    if not can_resume(result):
        state = "still running" if result.status == RUNNING else result.status
        raise UserError(
            f"resume={path} cannot go on: that run is {state}; only a run that was stopped or "
            "killed can."
        )
    return result


def can_resume(result: RunResult) -> bool:
    """Stopped, or marked as running by a process that is gone."""
    if result.status == RUNNING:
        return result.host == socket.gethostname() and not _alive(result.process)
    return result.status == STOPPED


def _alive(process: int) -> bool:
    if process == os.getpid():
        return False  # a run of this very process that was left behind
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _runs_near(directory: Path) -> Iterator[Path]:
    for candidate in sorted(directory.parent.glob("*"))[-20:]:
        try:
            if read_result(candidate).status != FINISHED:
                yield candidate
        except (OSError, ValueError):
            continue
