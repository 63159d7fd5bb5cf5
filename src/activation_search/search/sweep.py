"""Runs a study to its end: fills the queue, starts workers, replaces those that die, and writes
what was found."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from multiprocessing.context import SpawnProcess
from multiprocessing.synchronize import Event
from pathlib import Path

import optuna
import torch
from optuna.storages import BaseStorage
from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from activation_search.errors import UserError
from activation_search.models.factory import MODELS
from activation_search.search import worker
from activation_search.search.config import SweepConfig
from activation_search.search.leaderboard import Row, rank, write_csv
from activation_search.search.samplers import check_methods, check_sampler
from activation_search.search.space import build_space
from activation_search.search.study import (
    UNFINISHED,
    exclusively,
    fill_queue,
    open_storage,
    open_study,
    reap,
)
from activation_search.settings import check
from activation_search.training.config import TrainConfig
from activation_search.training.task import Classification

POLL_SECONDS = 0.25
# Workers that die one after the other without finishing anything are not replaced for ever.
MOST_DEATHS = 10


@dataclass
class Sweep:
    """A study and what was found in it.

    folder: where everything of it lies. nothing_to_do: it was complete before.
    """

    study: optuna.Study
    folder: Path
    rows: list[Row]
    metric: str
    nothing_to_do: bool


def run_sweep(config: SweepConfig, console: Console) -> Sweep:
    """Runs what is left of a study.

    Args:
        config: the study's.
        console: for the progress bar.

    Raises:
        UserError: a setting, space or storage that is not valid, or a study of that name that
            asks something else.
        KeyboardInterrupt: Ctrl-C; trials that were running are back in the queue.
    """
    check_sampler(config.sampler)
    check(config)
    name = config.name or f"{config.model.name}-{config.data.name}-{config.search.name}"
    folder = Path(config.logs) / "sweeps" / name
    workers = worker_count(config)
    base = base_config(config, folder.name, workers)
    space = build_space(config.search, base, MODELS[config.model.name].sites(config.model))
    check_methods(config, space)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write the study to {folder}: {error.strerror}.") from error
    url = config.storage or f"journal://{folder.absolute()}/journal.log"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(url)
    with exclusively(storage, name):
        study = open_study(storage, name, config, Classification.mode)
        reap(study)
        fill_queue(study, space, config)
    left = study.get_trials(deepcopy=False, states=UNFINISHED)
    sweep = Sweep(study, folder, [], Classification.metric, nothing_to_do=not left)
    try:
        if left:
            team = Team(worker.Assignment(config, base, url, name), workers)
            _supervise(sweep, team, storage, config, console)
    finally:
        sweep.rows = rank(study)
        write_csv(sweep.rows, folder / "trials.csv")
    return sweep


def worker_count(config: SweepConfig) -> int:
    """How many processes to start.

    Raises:
        UserError: not a number of workers.
    """
    if config.workers == "auto":
        return torch.cuda.device_count() or os.cpu_count() or 1
    if not isinstance(config.workers, int) or config.workers < 1:
        raise UserError(f"workers must be auto, or 1 or more, not {config.workers}.")
    return config.workers


def base_config(config: SweepConfig, folder: str, workers: int) -> TrainConfig:
    """The run that every trial varies. Workers share the cores, since more threads than cores
    make each of them several times slower."""
    threads = config.trainer.threads or max(1, (os.cpu_count() or 1) // workers)
    plain = {item.name: getattr(config, item.name) for item in fields(TrainConfig)}
    plain["trainer"] = replace(config.trainer, progress=False, threads=threads)
    plain |= {"group": f"sweeps/{folder}/runs", "test": False, "resume": None}
    return TrainConfig(**plain)


class Team:
    """The worker processes of this machine."""

    def __init__(self, assignment: worker.Assignment, count: int):
        self.assignment = assignment
        self.context = multiprocessing.get_context("spawn")
        self.stop: Event = self.context.Event()
        self.deaths = 0
        self.members = [self._start(i) for i in range(count)]

    def _start(self, number: int) -> SpawnProcess:
        gpus = torch.cuda.device_count()
        assignment = replace(self.assignment, gpu=number % gpus if gpus > 1 else None)
        process = self.context.Process(
            target=worker.main, args=(assignment, self.stop), daemon=True
        )
        process.start()
        return process

    def replace_dead(self) -> bool:
        """Starts a new worker for each that died; whether there were any."""
        dead = [i for i, process in enumerate(self.members) if not process.is_alive()]
        for number in dead:
            self.members[number] = self._start(number)
        self.deaths += len(dead)
        return bool(dead)

    def dismiss(self, at_once: bool = False) -> None:
        """Ends all workers; those that are in a trial finish it unless ``at_once``."""
        self.stop.set()
        for process in self.members:
            if at_once:
                process.terminate()
        for process in self.members:
            process.join(timeout=30 if at_once else None)
            if process.is_alive():
                process.kill()
                process.join()


def _supervise(
    sweep: Sweep, team: Team, storage: BaseStorage, config: SweepConfig, console: Console
) -> None:
    study = sweep.study
    failures_before = _failures(study)
    finished = _finished(study)
    last_reaped = time.monotonic()
    try:
        with _progress(sweep, console) as show:
            while study.get_trials(deepcopy=False, states=UNFINISHED):
                time.sleep(POLL_SECONDS)
                died = team.replace_dead()
                # Now and then for workers of other machines, which are not seen to die.
                if died or time.monotonic() - last_reaped > 10:
                    last_reaped = time.monotonic()
                    with exclusively(storage, study.study_name):
                        reap(study)
                if _finished(study) > finished:
                    finished, team.deaths = _finished(study), 0
                    show()
                if _failures(study) - failures_before > config.max_failures:
                    team.dismiss()
                    raise UserError(
                        f"{_failures(study) - failures_before} trials failed, more than "
                        f"max_failures={config.max_failures}; the last one with: "
                        f"{_last_error(study)}"
                    )
                if team.deaths > MOST_DEATHS:
                    raise UserError("Workers die one after the other; see their output above.")
    except BaseException:
        team.dismiss(at_once=True)
        with exclusively(storage, study.study_name):
            reap(study, always=True)
        raise
    team.dismiss()


def _finished(study: optuna.Study) -> int:
    done = (TrialState.COMPLETE, TrialState.PRUNED)
    return len(study.get_trials(deepcopy=False, states=done))


def _failures(study: optuna.Study) -> int:
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    return sum(worker.ERROR in trial.user_attrs for trial in failed)


def _last_error(study: optuna.Study) -> str:
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    texts = [t.user_attrs[worker.ERROR] for t in failed if worker.ERROR in t.user_attrs]
    return texts[-1].strip().rsplit("\n", 1)[-1]


@contextmanager
def _progress(sweep: Sweep, console: Console) -> Iterator:
    """A bar with trials done, the best so far, and the time left."""
    bar = Progress(
        TextColumn("[bold]trials"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}"),
        TimeRemainingColumn(),
        console=console,
    )
    task = bar.add_task("trials", best="")

    def show() -> None:
        rows = rank(sweep.study)
        waiting = len(sweep.study.get_trials(deepcopy=False, states=UNFINISHED))
        done = sum(len(row.trials) for row in rows)
        best = rows[0] if rows and rows[0].mean is not None else None
        text = f"best {best.mean:.4f}" if best else ""
        bar.update(task, completed=done, total=done + waiting, best=text)

    with bar:
        yield show
