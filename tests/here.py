"""Studies and comparisons in this process: an engine that trains each job where it is submitted,
and what a command makes of a configuration."""

from concurrent.futures import Future
from pathlib import Path

from rich.console import Console

from activation_search.config.compare import CompareConfig
from activation_search.config.search import SweepConfig
from activation_search.engine.engine import Results
from activation_search.engine.job import Job, Judge, plain_error
from activation_search.engine.runner import open_runner
from activation_search.evidence.compare import run_compare
from activation_search.evidence.results import Evidence
from activation_search.search.sweep import Sweep, run_sweep


class HereEngine:
    """See :class:`activation_search.engine.engine.Engine`; takes what a local engine takes."""

    def __init__(self, *_: object):
        pass

    def slots(self) -> int:
        return 1

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        future: Results = Future()
        try:
            future.set_result(job.train(judge or (lambda step, value: False)))
        except Exception as error:
            future.set_exception(plain_error(error))
        return future

    def wait(self, timeout: float) -> None:
        pass

    def close(self) -> None:
        pass


def swept(config: SweepConfig, console: Console | None = None) -> Sweep:
    """The study, run to its end."""
    with open_runner(config, console or Console(quiet=True)) as runner:
        return run_sweep(config, runner)


def compared(config: CompareConfig, console: Console | None = None) -> tuple[Evidence, Path]:
    """The comparison, run to its end."""
    with open_runner(config, console or Console(quiet=True)) as runner:
        return run_compare(config, runner)
