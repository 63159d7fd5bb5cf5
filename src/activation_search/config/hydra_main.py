"""Hydra runs the jobs of a command line here: one, or with ``-m`` several."""

import math
import os
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import fields
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, NoReturn

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
from activation_search.config.failures import Failure, take_failures, write_failure
from activation_search.config.hints import check_habits
from activation_search.config.run import NOT_IDENTITY, Config
from activation_search.errors import UserError, exit_code, print_error, reported
from activation_search.passwords import without_password


class Outcome(NamedTuple):
    """What came of a job.

    Attributes:
        exit_code: 0 for success.
        value: what Hydra's sweepers judge the job by; NaN where there is nothing to judge.
    """

    exit_code: int = 0
    value: float = math.nan


def run_jobs(
    kind: type[Config],
    job: Callable[[Config], Outcome | None],
    after: Callable[[Path, list[Failure]], None],
) -> int:
    """Runs the jobs that the command line asks for.

    Args:
        kind: their configuration.
        job: one of them; ``None`` stands for ``Outcome()``.
        after: called at the end of a multirun, with its folder and the jobs that failed.

    Returns:
        The largest exit code, see :func:`activation_search.errors.reported`.
    """
    register()
    exit_codes: list[int] = []

    @hydra.main(version_base="1.3", config_path=str(CONF), config_name=FILES[kind])
    def main(composed: DictConfig) -> float:
        outcome = Outcome()
        sentences: list[str] = []

        def run() -> int:
            nonlocal outcome
            outcome = job(_job_config(composed, kind)) or Outcome()
            return outcome.exit_code

        def show(sentence: str) -> None:
            print_error(sentence)
            sentences.append(sentence)

        code = reported(run, show)
        exit_codes.append(code)
        hydra_config = HydraConfig.get()
        if code and hydra_config.mode is RunMode.MULTIRUN:
            overrides = list(hydra_config.overrides.task)
            failure = Failure(hydra_config.job.num, overrides, code, "".join(sentences))
            write_failure(failure, Path(hydra_config.sweep.dir))
        return outcome.value

    def all_jobs() -> int:
        with _without_empty_folders():
            try:
                _explained(main, kind)
            finally:
                folder = NoteFolder.multirun
                failures = take_failures(folder) if folder else []
            if folder:
                after(folder, failures)
        return max((failure.exit_code for failure in failures), default=0)

    exit_codes.append(exit_code(all_jobs))
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
        if job.runtime.choices["hydra/launcher"] != "basic":
            config.trainer.progress = False  # bars of several processes would overwrite each other
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


def _explained(main: Callable[[], None], kind: type[Config]) -> None:
    """Runs a ``@hydra.main`` function of that configuration.

    Raises:
        UserError: in place of Hydra's and OmegaConf's errors.
    """
    # Hydra would print a traceback and exit by itself; with this it lets errors through.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    check_habits(sys.argv[1:], "search" in {item.name for item in fields(kind)})
    sys.argv[1:], options = _readable(own_overrides(sys.argv[1:]))
    _check_passwords(sys.argv[1:], options)
    try:
        main()
    except (HydraException, OmegaConfBaseException) as error:
        raise explain(error) from error
    except BrokenPipeError:  # a reader that is gone, such as head
        raise
    except HYDRAS_OWN as error:
        # From inside a job it is a fault of the program.
        if _OURS & {frame.name for frame in traceback.extract_tb(error.__traceback__)}:
            raise
        raise explain(error) from error


# Hydra's function that runs a job, and our sweeper's that runs a study.
_OURS = {"run_job", "run_study"}


def _readable(words: list[str]) -> tuple[list[str], Namespace]:
    """The command line as Hydra's parser reads it, which wants ``-m`` before all overrides; and
    what it reads.

    Raises:
        UserError: an option that there is none of; Hydra's parser would print its usage.
    """
    multirun = [word for word in words if word in ("-m", "--multirun")]
    words = [*multirun[:1], *(word for word in words if word not in multirun)]
    parser = get_args_parser()

    def refuse(message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see --help.")

    parser.error = refuse  # type: ignore[method-assign]
    return words, parser.parse_args(words)


def _check_passwords(words: list[str], options: Namespace) -> None:
    """Hydra's sweepers print what they are given, and write it into ``multirun.yaml``; its options
    ``--cfg`` and ``--info`` print it.

    Raises:
        UserError: a password would be among that.
    """
    mode = next((w for w in words if w.lstrip("+").startswith("hydra.mode=")), "")
    swept = "hydra/sweeper=study" not in words
    shows = {
        "-m": options.multirun and swept,
        mode: "MULTIRUN" in mode and swept,
        "--cfg": options.cfg,
        "--info": options.info,
    }
    option = next((name for name, shown in shows.items() if shown), None)
    for word in words if option else ():
        shown = without_password(word)
        if shown != word:
            how = ", and give it by PGPASSWORD or ~/.pgpass" if "postgresql" in shown else ""
            raise UserError(
                f"With {option} Hydra itself would show the password in {shown}; leave it out "
                f"there{how}."
            )


class NoteFolder(Callback):
    """Notes the folders that Hydra makes before its first job: innermost first, and those alone
    that do not exist yet, since others are the user's. ``multirun`` is that of a multirun."""

    made: ClassVar[list[Path]] = []
    multirun: ClassVar[Path | None] = None

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        self._note(Path(config.hydra.run.dir))

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        NoteFolder.multirun = Path(config.hydra.sweep.dir)
        self._note(NoteFolder.multirun)

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
        NoteFolder.multirun = None
