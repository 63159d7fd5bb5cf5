"""Runs a study to its end, and writes what was found."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import optuna
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from activation_search.config.limits import check
from activation_search.config.run import TrainConfig, check_run, describe
from activation_search.config.search import SweepConfig
from activation_search.console import in_short, print_line, print_note
from activation_search.data.registry import load_source
from activation_search.data.splits import Source
from activation_search.engine.runner import Runner
from activation_search.engine.workers import job_run
from activation_search.errors import UserError
from activation_search.models.factory import count_weights, pinned_sources, sites_of, sites_on
from activation_search.models.sites import assign
from activation_search.notebook import as_html
from activation_search.search.costs import check_costs, extra_objectives
from activation_search.search.drive import drive
from activation_search.search.driver import Driver
from activation_search.search.failed_trials import write_failed_trials
from activation_search.search.leaderboard import (
    LEADERBOARD_FILE,
    LeaderboardRow,
    rank,
    to_frame,
    write_csv,
    write_json,
)
from activation_search.search.parse_space import build_space, check_points
from activation_search.search.samplers import check_methods, check_sampler
from activation_search.search.sole_driver import SoleDriver
from activation_search.search.space import baseline
from activation_search.search.study import open_in, open_study, storage_errors, sweep_question
from activation_search.training.directory import check_name
from activation_search.training.own_parts import check_own_parts
from activation_search.training.result import FAILED
from activation_search.training.task import criterion_of

if TYPE_CHECKING:
    from pandas import DataFrame

SHOW_SECONDS = 1.0  # between two looks at the leaderboard, or longer:
SHOW_SHARE = 0.02  # of the time goes into them


@dataclass
class Sweep:
    """A study and what was found in it.

    folder: where everything of it lies. metric, mode: what trials are judged by.
    baseline: site -> activation of what others are compared with.
    left: trials that are still to be run. nothing_to_do: it was complete before.
    url: of its storage.
    """

    study: optuna.Study
    folder: Path
    url: str = field(repr=False)  # it may hold a password
    rows: list[LeaderboardRow]
    metric: str
    mode: str
    baseline: dict[str, str]
    left: int = 0
    nothing_to_do: bool = False

    @property
    def table(self) -> "DataFrame":
        """The leaderboard, as ``trials.csv`` has it."""
        return to_frame(self.rows)

    def _repr_html_(self) -> str:
        return as_html(self)

    @property
    def failures(self) -> list[str]:
        """Of rows whose trials failed, why."""
        return [row.reason for row in self.rows if row.status == FAILED]

    @property
    def dashboard(self) -> str:
        """What ``optuna-dashboard`` is started with."""
        return self.url.removeprefix("journal://")


def run_sweep(config: SweepConfig, runner: Runner) -> Sweep:
    """Runs what is left of a study.

    Args:
        config: the study's.
        runner: what trains its trials.

    Raises:
        UserError: a setting, space or storage that is not valid, a study of that name that asks
            something else, or too many trials that failed.
        MachineError: the disk is full, or the study's folder was deleted; what is finished is kept.
        KeyboardInterrupt: Ctrl-C; trials that were running start again with the next command.
    """
    with storage_errors():
        return _run_sweep(config, runner)


def _run_sweep(config: SweepConfig, runner: Runner) -> Sweep:
    check_sampler(config.sampler)
    check(config)
    config = pinned_sources(config)
    source = load_source(config.data)
    check_own_parts(config)
    print_note(source.origin, runner.console)
    name = config.name or f"{config.model.label}-{config.data.label}-{config.search.name}"
    check_name(name)
    folder = Path(config.logs) / "sweeps" / name
    base = base_config(config, folder.name)
    sites = sites_on(config.model, config.data)
    space = build_space(config.search, base, sites)
    check_methods(config, space)
    criterion = criterion_of(config)
    check_costs(config.search, criterion.metric)
    check_points(space, base, _checked_with(source))
    storage, url = open_in(folder, config.storage)
    study = open_study(
        storage,
        name,
        sweep_question(config, space),
        criterion.metric,
        criterion.mode,
        extra_objectives(config.search),
    )
    compared = {s: str(a) for s, a in assign(sites, baseline(base).activation).items()}
    sweep = Sweep(study, folder, url, [], criterion.metric, criterion.mode, compared)

    def note(text: str) -> None:
        print_line(runner.console, text)

    with SoleDriver(study, folder, note, shared=config.storage is not None) as alone:
        driver = Driver(study, space, config, base)
        sweep.nothing_to_do = not driver.left
        starts = sum(1 for _ in space.starts())
        planned = config.sampler not in ("grid", "random")
        if planned and len(space.choices) > 1 and config.trials <= starts < space.size:
            note(
                f"the first {starts} trials put each candidate at every site, so that trials="
                f"{config.trials} mixes none; more do"
            )
        try:
            with _progress(driver, runner) as show:
                drive(driver, runner, alone, show)
        finally:
            sweep.left = driver.left
            sweep.rows = rank(study, config.search.limits)
            write_csv(sweep.rows, folder / "trials.csv")
            write_json(sweep.rows, study, sweep.metric, describe(base), folder / LEADERBOARD_FILE)
            if base.tensorboard.enabled:
                write_failed_trials(study, space, base, sites, folder)
    if len(driver.errors) > config.max_failures:
        raise UserError(
            f"{len(driver.errors)} trials failed, more than max_failures={config.max_failures}; "
            f"the last one with: {driver.errors[-1]}"
        )
    if sweep.failures and len(sweep.failures) == len(sweep.rows):
        raise UserError(f"All trials failed, the first with: {sweep.failures[0]}")
    return sweep


def _checked_with(source: Source) -> Callable[[TrainConfig], None]:
    """What holds a trial's configuration to its limits, and builds its model without memory."""

    def checked(config: TrainConfig) -> None:
        check_run(config)
        if config.trainer.fast_dev_run:
            raise UserError("trainer.fast_dev_run=true has no result to rank; use few epochs.")
        if not config.validates:
            raise UserError("Trials are judged on a validation split: data.validation=0.2.")
        outputs = source.target.size
        assignment = assign(sites_of(config.model, source.sample, outputs), config.activation)
        count_weights(config.model, assignment, source.sample, outputs)

    return checked


def base_config(config: SweepConfig, folder: str) -> TrainConfig:
    """The run that every trial varies."""
    # Without the final test, whatever the command line says.
    return replace(job_run(config, f"sweeps/{folder}/runs"), test=False)


@contextmanager
def _progress(driver: Driver, runner: Runner) -> Iterator[Callable[[], None]]:
    """A bar with trials done, the best so far, and the time left."""
    bar = Progress(
        TextColumn("[bold]trials"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]}"),
        TimeRemainingColumn(),
        console=runner.console,
    )
    task = bar.add_task("trials", best="", total=None)
    due = 0.0

    def show(always: bool = False) -> None:
        nonlocal due
        began = time.monotonic()
        if began < due and not always:
            return
        rows = driver.rows()
        ended = time.monotonic()
        due = ended + max(SHOW_SECONDS, (ended - began) / SHOW_SHARE)
        done = sum(len(row.trials) for row in rows)
        best = rows[0] if rows else None
        text = f"best {in_short(best.mean)}" if best and best.mean is not None else ""
        bar.update(task, completed=done, total=done + driver.left, best=text)

    show()
    with bar:
        try:
            yield show
        finally:
            show(always=True)
