"""Run directories: made so that two runs never share one, found again to resume."""

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from activation_search.config.run import TrainConfig
from activation_search.errors import UserError, machine_error
from activation_search.training.result import (
    FAILED,
    RUNNING,
    STOPPED,
    RunResult,
    read_or_skip,
    read_result,
)

LOCK_FILE = ".lock"


def check_name(name: str) -> None:
    """Whether the name of a study or comparison can be that of its folder.

    Raises:
        UserError: it leads elsewhere.
    """
    if Path(name).name != name or name == "..":
        raise UserError(f"name={name} must be the name of one folder, without a slash.")


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
        if failure := machine_error(error):
            raise failure from error
        raise UserError(f"Cannot write runs to {parent}: {error.strerror}.") from error
    raise UserError(f"{parent} holds too many runs of one second.")


def remove(directory: Path) -> None:
    """Takes back what :func:`create` made, where nothing else lies in its folders."""
    shutil.rmtree(directory, ignore_errors=True)
    with suppress(OSError):  # other runs are there
        for folder in list(directory.parents)[:2]:
            folder.rmdir()


@contextmanager
def hold(directory: Path) -> Iterator[None]:
    """Marks a run as alive: the operating system drops the lock with the process.

    Raises:
        UserError: another process holds it.
    """
    try:
        with FileLock(directory / LOCK_FILE, timeout=0):
            yield
    except Timeout as error:
        raise UserError(f"The run in {directory} is still running.") from error


def find_unfinished(config: TrainConfig) -> Path | None:
    """The newest run of the same configuration, of any group, that neither finished nor still
    runs."""
    wanted, label = config.identity(), glob.escape(config.label)
    found = (path.parent for path in Path(config.logs).glob(f"**/{label}/*/result.json"))
    for directory in sorted(found, key=lambda path: path.name, reverse=True):
        result = read_or_skip(directory)
        if result and result.parsed_config().identity() == wanted:
            mine = os.access(directory, os.W_OK)  # and not of somebody else
            with suppress(OSError):  # its lock may be somebody else's, or it was removed just now
                if mine and can_resume(result, directory):
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
    except ValueError as error:
        raise UserError(f"resume={path}: {error}.") from error
    except OSError as error:
        nearby = ", ".join(str(d) for d in _unfinished_near(directory)) or "none"
        raise UserError(
            f"resume={path} is no run directory with a result.json; "
            f"unfinished runs nearby: {nearby}."
        ) from error
    if not can_resume(result, directory):
        state = "still running" if result.status == RUNNING else result.status
        raise UserError(
            f"resume={path} cannot be resumed: that run is {state}; only a run that was stopped, "
            "killed or failed can."
        )
    return result


def can_resume(result: RunResult, directory: Path) -> bool:
    """Stopped, failed, or marked as running by a process that is gone."""
    if result.status == RUNNING:
        try:
            with FileLock(directory / LOCK_FILE, timeout=0):
                return True
        except Timeout:
            return False
    return result.status in (STOPPED, FAILED)


def _unfinished_near(directory: Path) -> Iterator[Path]:
    for candidate in sorted(directory.parent.glob("*"))[-20:]:
        try:
            if can_resume(read_result(candidate), candidate):
                yield candidate
        except (OSError, ValueError):  # no run
            continue
