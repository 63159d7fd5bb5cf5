"""Keeps an engine busy: here with processes of this machine, or on a cluster."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from rich.console import Console

from activation_search.config.engine import EngineConfig
from activation_search.engine.cluster import ClusterEngine
from activation_search.engine.engine import Engine, Results
from activation_search.engine.job import Job, Judge
from activation_search.engine.local import LocalEngine
from activation_search.engine.workers import visible_gpus, worker_count

Key = TypeVar("Key")
WAIT_SECONDS = 1.0  # at a time, so that Ctrl-C, and the end of the time, are noticed


@contextmanager
def open_runner(config: EngineConfig, console: Console) -> Iterator["Runner"]:
    """A runner for one command, whose workers end with the block.

    Args:
        config: ``workers``, ``cluster`` and ``minutes``.
        console: for progress and notes.

    Raises:
        UserError: not a number of workers, or a cluster that does not answer.
    """
    engine: Engine
    workers = worker_count(config.workers, config)
    if config.cluster:
        engine = ClusterEngine(config.cluster, console)
    else:
        engine = LocalEngine(workers, visible_gpus(config))
    try:
        yield Runner(engine, console, config.minutes)
    finally:
        engine.close()


def _failed(future: Results) -> bool:
    return future.cancelled() or future.exception() is not None


class Runner:
    """Runs jobs on an engine until its time is up.

    Args:
        engine: what trains them.
        console: for progress and notes.
        minutes: from now on, how long new jobs may start; ``None`` for ever.
    """

    def __init__(self, engine: Engine, console: Console, minutes: float | None = None):
        self.engine = engine
        self.console = console
        self.minutes = minutes
        self._end = None if minutes is None else time.monotonic() + 60 * minutes

    @property
    def time_is_up(self) -> bool:
        """Whether nothing new may start."""
        return self._end is not None and time.monotonic() >= self._end

    def as_completed(
        self,
        work: Iterable[tuple[Key, Job, Judge | None]],
        tick: Callable[[], None] = lambda: None,
    ) -> Iterator[tuple[Key, Results]]:
        """Runs jobs, as many at a time as the engine has slots, and yields each when it has ended.

        Args:
            work: keys and jobs. The next one is asked for when a slot is free, so that it can
                depend on what has ended before; none when the time is up.
            tick: called about once a second, and when all slots have got their next job.

        Yields:
            The key and the future of each job.
        """
        coming = iter(work)
        running: dict[Results, Key] = {}
        exhausted = False
        while True:
            exhausted = exhausted or self.time_is_up
            while not exhausted and len(running) < self.engine.slots():
                task = next(coming, None)
                if task is None:
                    exhausted = True
                    break
                key, job, judge = task
                running[self.engine.submit(job, judge)] = key
            if exhausted and not running:
                return
            tick()
            self.engine.wait(WAIT_SECONDS)
            # Those with results first: an error may end everything.
            ended = [future for future in running if future.done()]
            for future in sorted(ended, key=_failed):
                yield running.pop(future), future
