"""What drivers of a study share: how a trial is judged, how trials are written, and the loop."""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

import optuna
from optuna.trial import FrozenTrial, Trial

from activation_search.engine.engine import Results
from activation_search.engine.job import Job, Judge
from activation_search.engine.processes import defer_signals
from activation_search.engine.runner import Runner
from activation_search.search.sole_driver import SoleDriver


class Driver(Protocol):
    """Asks for trials, and tells what came of them."""

    unwritten: list[FrozenTrial]

    def work(self) -> Iterator[tuple[Any, Job, Judge]]:
        """What is to be run: a key, a job, and whether to stop it."""

    def tell(self, asked: Any, future: Results) -> None:
        """What came of a job, by its key."""

    def keep(self) -> None:
        """Writes the trials that have ended since."""


def drive(driver: Driver, runner: Runner, alone: SoleDriver, shown: Callable[[], None]) -> None:
    """Runs what a driver asks for; whatever ends it, trials that have ended are written.

    Args:
        driver: what asks.
        runner: what runs its jobs.
        alone: holds the study.
        shown: called after each trial.
    """

    def keep() -> None:
        if driver.unwritten:
            alone.check()
            driver.keep()
        alone.beat()

    try:
        for asked, future in runner.as_completed(driver.work(), keep):
            driver.tell(asked, future)
            shown()
    finally:
        keep()


def judge_by(trial: Trial, last_step: float = float("inf")) -> Judge:
    """Reports to a trial and asks its study's pruner.

    Args:
        trial: that the values are of.
        last_step: after which the trial is not stopped any more.
    """
    last = -1

    def judge(step: int, value: float) -> bool:
        nonlocal last
        if step <= last:  # a repetition, after its worker was killed
            return False
        last = step
        trial.report(value, step)
        return step <= last_step and trial.should_prune()

    return judge


def write_trials(study: optuna.Study, unwritten: list[FrozenTrial]) -> None:
    """Writes trials to a stored study, and takes each off the list when it is written."""
    while unwritten:
        with defer_signals():  # a journal's lock outlives a process that ends in the middle
            study.add_trial(unwritten[0])
            del unwritten[0]
