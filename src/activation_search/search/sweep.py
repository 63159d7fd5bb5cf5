"""Runs a study to its end: fills the queue, starts workers, replaces those that die, and writes
what was found."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from activation_search.config.limits import check
from activation_search.config.run import TrainConfig, check_run, describe
from activation_search.config.search import SweepConfig
from activation_search.console import print_note
from activation_search.data.registry import load_source
from activation_search.data.splits import Source
from activation_search.engine.workers import (
    threads_per_worker,
    worker_count,
)
from activation_search.errors import MachineError, UserError
from activation_search.models.factory import check_reads, count_weights, pinned_sources, sites_of
from activation_search.models.sites import assign
from activation_search.search import worker
from activation_search.search.leaderboard import (
    LEADERBOARD_FILE,
    LeaderboardRow,
    rank,
    write_csv,
    write_json,
)
from activation_search.search.parse_space import build_space, check_points
from activation_search.search.samplers import check_methods, check_sampler
from activation_search.search.space import baseline
from activation_search.search.study import (
    ERROR,
    UNFINISHED,
    Observer,
    exclusively,
    fill_queue,
    open_storage,
    open_study,
    requeue_dead,
)
from activation_search.search.team import Team
from activation_search.training.directory import check_name
from activation_search.training.task import task_of

POLL_SECONDS = 0.25
REAP_SECONDS = 10.0
# Workers that die one after the other without finishing anything are not replaced for ever.
MAX_DEATHS = 10


@dataclass
class Sweep:
    """A study and what was found in it.

    folder: where everything of it lies. metric, mode: what trials are judged by.
    baseline: site -> activation of what others are compared with.
    nothing_to_do: it was complete before.
    """

    study: optuna.Study
    folder: Path
    rows: list[LeaderboardRow]
    metric: str
    mode: str
    baseline: dict[str, str]
    nothing_to_do: bool


def run_sweep(config: SweepConfig, console: Console) -> Sweep:
    """Runs what is left of a study.

    Args:
        config: the study's.
        console: for the progress bar.

    Raises:
        UserError: a setting, space or storage that is not valid, or a study of that name that
            asks something else.
        MachineError: the disk is full, or the study's folder was deleted; what is finished is kept.
        KeyboardInterrupt: Ctrl-C; trials that were running are back in the queue.
    """
    try:
        return _run_sweep(config, console)
    except StorageInternalError as error:
        raise UserError(
            f"The study's storage does not answer any more ({error}); what is finished is kept, "
            "and the same command resumes."
        ) from error


def _run_sweep(config: SweepConfig, console: Console) -> Sweep:
    check_sampler(config.sampler)
    check(config)
    config = pinned_sources(config)
    source = load_source(config.data)
    check_reads(config.model.name, source.sample)
    print_note(source.origin, console)
    name = config.name or f"{config.model.label}-{config.data.label}-{config.search.name}"
    check_name(name)
    folder = Path(config.logs) / "sweeps" / name
    workers = worker_count(config.workers, config)
    base = base_config(config, folder.name, workers)
    sites = sites_of(config.model, source.sample, source.target.size)
    space = build_space(config.search, base, sites)
    check_methods(config, space)
    task = task_of(config.data)
    check_points(space, base, _checked_with(source))
    url = config.storage or f"journal://{folder.absolute()}/journal.log"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write the study to {folder}: {error.strerror}.") from error
    observer = Observer()
    with exclusively(storage, name):
        study = open_study(storage, name, config, space, task.mode)
        requeue_dead(study, observer)
        fill_queue(study, space, config)
    left = study.get_trials(deepcopy=False, states=UNFINISHED)
    compared = {s: str(a) for s, a in assign(sites, baseline(base).activation).items()}
    sweep = Sweep(study, folder, [], task.metric, task.mode, compared, nothing_to_do=not left)
    try:
        if left:
            team = Team(worker.WorkerTask(config, base, url, name))
            _supervise(sweep, team, min(workers, len(left)), observer, config, console)
    finally:
        sweep.rows = rank(study)
        write_csv(sweep.rows, folder / "trials.csv")
        setting = describe(base)
        write_json(sweep.rows, study, sweep.metric, setting, folder / LEADERBOARD_FILE)
    return sweep


def _checked_with(source: Source) -> Callable[[TrainConfig], None]:
    """What holds a trial's configuration to its limits, and builds its model without memory."""

    def checked(config: TrainConfig) -> None:
        check_run(config)
        outputs = source.target.size
        assignment = assign(sites_of(config.model, source.sample, outputs), config.activation)
        count_weights(config.model, assignment, source.sample, outputs)

    return checked


def base_config(config: SweepConfig, folder: str, workers: int) -> TrainConfig:
    """The run that every trial varies."""
    threads = threads_per_worker(config, workers)
    return replace(
        config.as_run(),
        trainer=replace(config.trainer, progress=False, threads=threads),
        group=f"sweeps/{folder}/runs",
        test=False,  # whatever the command line says
        resume=None,
    )


def _supervise(
    sweep: Sweep,
    team: Team,
    workers: int,
    observer: Observer,
    config: SweepConfig,
    console: Console,
) -> None:
    """Lets the team work until the queue is empty, in which case all leave by themselves."""
    study, storage = sweep.study, sweep.study._storage
    errors_before = len(_errors(study))
    done = _done(study)
    last_reaped = time.monotonic()
    try:
        with _progress(sweep, console) as show:
            team.start(workers)
            while study.get_trials(deepcopy=False, states=UNFINISHED):
                time.sleep(POLL_SECONDS)
                died = team.replace_dead()
                # Now and then for workers of other machines, which are not seen to die.
                if died or time.monotonic() - last_reaped > REAP_SECONDS:
                    last_reaped = time.monotonic()
                    with exclusively(storage, study.study_name):
                        requeue_dead(study, observer)
                if _done(study) > done:
                    done, team.deaths = _done(study), 0
                    show()
                if len(_errors(study)) - errors_before > config.max_failures:
                    break
                if team.deaths > MAX_DEATHS:
                    raise UserError("Workers die one after the other; see their output above.")
    except BaseException:
        team.dismiss(at_once=True)
        # Where the machine fails, as with a full disk, the next command does it.
        with suppress(MachineError, OSError), exclusively(storage, study.study_name):
            requeue_dead(study, observer, always=True)
        raise
    team.dismiss()
    errors = _errors(study)[errors_before:]
    if len(errors) > config.max_failures:
        raise UserError(
            f"{len(errors)} trials failed, more than max_failures={config.max_failures}; the last "
            f"one with: {errors[-1]}"
        )


def _done(study: optuna.Study) -> int:
    return len(study.get_trials(deepcopy=False)) - len(
        study.get_trials(deepcopy=False, states=UNFINISHED)
    )


def _errors(study: optuna.Study) -> list[str]:
    """The last line of the error of each trial that raised one."""
    failed = study.get_trials(deepcopy=False, states=(TrialState.FAIL,))
    texts = [t.user_attrs[ERROR] for t in failed if ERROR in t.user_attrs]
    return [text.strip().rsplit("\n", 1)[-1] for text in texts]


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
    task = bar.add_task("trials", best="", total=None)

    def show() -> None:
        rows = rank(sweep.study)
        waiting = len(sweep.study.get_trials(deepcopy=False, states=UNFINISHED))
        done = sum(len(row.trials) for row in rows)
        best = rows[0] if rows and rows[0].mean is not None else None
        text = f"best {best.mean:.4f}" if best else ""
        bar.update(task, completed=done, total=done + waiting, best=text)

    show()
    with bar:
        try:
            yield show
        finally:
            show()
