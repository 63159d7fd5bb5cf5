"""Hydra runs the jobs of a command line here: one, or with ``-m`` several in a row."""

import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar, NoReturn

import hydra
from hydra._internal.utils import get_args_parser
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.experimental.callback import Callback
from hydra.types import RunMode
from omegaconf import DictConfig
from omegaconf.errors import OmegaConfBaseException

from activation_search.activations.names import own_overrides
from activation_search.config.compose import (
    CONF,
    FILES,
    HYDRAS_OWN,
    explain,
    register,
    to_config,
)
from activation_search.config.run import NOT_IDENTITY, Config
from activation_search.errors import UserError, exit_code, reported


def run_jobs(kind: type[Config], job: Callable[[Config], int | None]) -> int:
    """Runs the jobs that the command line asks for.

    Args:
        kind: their configuration.
        job: one of them; returns its exit code, ``None`` for 0.

    Returns:
        The largest exit code, see :func:`activation_search.errors.reported`.
    """
    register()
    exit_codes: list[int] = []

    @hydra.main(version_base="1.3", config_path=str(CONF), config_name=FILES[kind])
    def main(composed: DictConfig) -> None:
        exit_codes.append(reported(lambda: job(_job_config(composed, kind))))

    exit_codes.append(exit_code(lambda: _explained(main)))
    return max(exit_codes)


def _job_config(composed: DictConfig, kind: type[Config]) -> Config:
    """The configuration of a job of ``@hydra.main``; those of one multirun share a folder.

    Raises:
        UserError: a run to resume by its path is given other settings than its own; only where
            it is shown, and on which machine it runs, may be told anew.
    """
    config = to_config(composed, kind)
    job = HydraConfig.get()
    if job.mode is RunMode.MULTIRUN:
        config.group = f"multirun/{Path(job.sweep.dir).name}"
    if config.resume not in (None, "auto"):
        shown = (f"trainer.{key}=" for key in NOT_IDENTITY)
        allowed = ("resume=", "trust=", "logs=", "tensorboard.", *shown)
        others = [o for o in job.overrides.task if not o.startswith(allowed)]
        if others:
            raise UserError(
                f"resume={config.resume} resumes with that run's own configuration; "
                f"leave out {' '.join(others)}."
            )
    return config


def _explained(main: Callable[[], None]) -> None:
    """Runs a ``@hydra.main`` function.

    Raises:
        UserError: in place of Hydra's and OmegaConf's errors.
    """
    # Hydra would print a traceback and exit by itself; with this it lets errors through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    sys.argv[1:] = _readable(own_overrides(sys.argv[1:]))
    try:
        with _without_empty_folders():
            main()
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error) from error
    except BrokenPipeError:  # a reader that is gone, such as head
        raise
    except HYDRAS_OWN as error:
        # From inside a job it is a fault of the program.
        if "run_job" in {frame.name for frame in traceback.extract_tb(error.__traceback__)}:
            raise
        raise explain(error) from error


def _readable(words: list[str]) -> list[str]:
    """The command line as Hydra's parser reads it, which wants ``-m`` before all overrides.

    Raises:
        UserError: an option that there is none of; Hydra's parser would print its usage.
    """
    multirun = [word for word in words if word in ("-m", "--multirun")]
    words = [*multirun[:1], *(word for word in words if word not in multirun)]
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see --help.")

    parser.error = refuse  # type: ignore[method-assign]
    parser.parse_args(words)
    return words


class NoteFolder(Callback):
    """Notes the folders that Hydra makes before its first job: innermost first, and those alone
    that do not exist yet, since others are the user's."""

    made: ClassVar[list[Path]] = []

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._note(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        self._note(Path(config.hydra.sweep.dir))

    def _note(self, folder: Path) -> None:
        self.made[:] = [path for path in (folder, *folder.parents) if not path.exists()]


@contextmanager
def _without_empty_folders() -> Iterator[None]:
    """Removes the folders that Hydra made and in which nothing was left."""
    try:
        yield
    finally:
        with suppress(OSError):  # something lies in one of them
            for number, folder in enumerate(NoteFolder.made):
                if number == 0 and [p.name for p in folder.iterdir()] == ["multirun.yaml"]:
                    (folder / "multirun.yaml").unlink()
                folder.rmdir()
        NoteFolder.made.clear()
