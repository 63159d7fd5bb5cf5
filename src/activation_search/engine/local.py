"""Jobs in processes of this machine, one per worker, each for the whole command."""

import gc
import multiprocessing
import os
import signal
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

import numpy as np

from activation_search.engine.engine import Results
from activation_search.engine.forks import start, worker_context
from activation_search.engine.job import Job, JobError, Judge, plain_error
from activation_search.engine.workers import collect
from activation_search.training.run import RunInterrupted

ASKED, DONE, FAILED = "asked", "done", "failed"  # what a worker sends
MAX_TRIES = 2  # of a job whose worker is killed
GRACE_SECONDS = 30.0  # to write what an interrupted run had


class LocalEngine:
    """See :class:`activation_search.engine.engine.Engine`.

    Workers start with the first jobs, since importing torch and Lightning takes seconds.

    Args:
        workers: their number.
        gpus: as ``CUDA_VISIBLE_DEVICES`` names them, dealt out to the workers in turn where there
            are several.

    Example:
        engine = LocalEngine(workers=2)
        future = engine.submit(Job((config,)))
        while not future.done():
            engine.wait(1.0)
        engine.close()
    """

    def __init__(self, workers: int, gpus: Sequence[str] = ()):
        self._context = worker_context()
        self._workers = [
            _Worker(self._context, gpus[number % len(gpus)] if len(gpus) > 1 else None)
            for number in range(workers)
        ]
        self._queue: deque[_Task] = deque()

    def slots(self) -> int:
        return len(self._workers)

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        task = _Task(job, judge)
        self._queue.append(task)
        self._start_queued()
        return task.future

    def _start_queued(self) -> None:
        idle = [worker for worker in self._workers if worker.task is None]
        for worker in idle[: len(self._queue)]:
            worker.give(self._queue.popleft())

    def wait(self, timeout: float) -> None:
        busy = {worker.connection: worker for worker in self._workers if worker.task}
        for connection in wait(list(busy), timeout):
            worker = busy[connection]  # type: ignore[index]
            task = worker.task
            assert task is not None
            try:
                kind, content = worker.connection.recv()
            except (EOFError, OSError):
                worker.bury()
                if task.tries < MAX_TRIES:
                    self._queue.appendleft(task)
                else:
                    reason = "its worker was killed, and that of its repetition too"
                    task.future.set_exception(JobError(reason))
                continue
            if kind == ASKED:
                answer = bool(task.judge and task.judge(*content))
                with suppress(OSError):  # it died meanwhile, which the next wait sees
                    worker.connection.send(answer)
                continue
            worker.task = None
            if kind == DONE:
                task.future.set_result(content)
            else:
                task.future.set_exception(content)
        self._start_queued()

    def close(self) -> None:
        for worker in self._workers:
            worker.end()
        end = time.monotonic() + GRACE_SECONDS  # for all of them
        for worker in self._workers:
            worker.join(max(0.0, end - time.monotonic()))


class _Task:
    """A job with its future, and how often it was started."""

    def __init__(self, job: Job, judge: Judge | None):
        self.job = job
        self.judge = judge
        self.future: Results = Future()
        self.tries = 0


class _Worker:
    """A process that trains one job after the other, and the pipe to it."""

    connection: Connection

    def __init__(self, context: Any, gpu: str | None):
        self._context = context
        self._gpu = gpu
        self._process: BaseProcess | None = None
        self.task: _Task | None = None

    def give(self, task: _Task) -> None:
        """Starts a task, in a new process where none lives."""
        if self._process is not None and not self._process.is_alive():
            self.bury()  # it died while it was idle
        if self._process is None:
            self._start()
        task.tries += 1
        self.task = task
        with suppress(OSError):  # it died a moment ago, which the next wait sees
            self.connection.send(task.job)

    def _start(self) -> None:
        self.connection, theirs = self._context.Pipe()
        # The server keeps the environment of its own start.
        environment = dict(os.environ)
        if self._gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = self._gpu
        process = self._context.Process(target=_serve, args=(theirs, environment), daemon=True)
        start(process)
        self._process = process
        theirs.close()  # so that the end of the process is the end of the pipe

    def bury(self) -> None:
        """After its end, which its pipe shows a moment before the process is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.join()
        self.connection.close()
        self._process = self.task = None

    def end(self) -> None:
        """An idle process ends with its pipe, one in a job is interrupted."""
        if self._process is None:
            return
        if self.task is not None:
            self._process.terminate()
        else:
            self.connection.close()

    def join(self, timeout: float) -> None:
        if self._process is None:
            return
        self._process.join(timeout)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self.connection.close()


def _serve(connection: Connection, environment: Mapping[str, str]) -> None:
    """In a worker: trains what comes through the pipe, until its end."""
    # The terminal sends Ctrl-C to every process; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    # Forks share a state, from which code of the user's may draw.
    np.random.seed()  # noqa: NPY002
    threading.Thread(target=_end_with_parent, daemon=True).start()
    gc.freeze()  # what was imported is never garbage, and need not be looked through

    def ask(*content: float) -> bool:
        connection.send((ASKED, content))
        return bool(connection.recv())

    while True:
        try:
            job: Job = connection.recv()
        except (EOFError, OSError):
            return
        answer: tuple[str, Any]
        try:
            answer = (DONE, job.train(ask))
        except RunInterrupted:
            return  # told to end at once
        except BaseException as error:
            answer = (FAILED, plain_error(error))
        try:
            connection.send(answer)
        except OSError:
            return  # the driver has gone
        collect()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
