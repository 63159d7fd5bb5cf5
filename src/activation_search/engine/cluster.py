"""Jobs on the workers of a Dask cluster, which anybody may start, on any machine.

dask scheduler                                   # on one machine
dask worker tcp://host:8786 --nthreads 1         # on every machine, in the folder of your code
python scripts/sweep.py cluster=tcp://host:8786
"""

import logging
import re
import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from rich.console import Console

from activation_search.engine.engine import Results
from activation_search.engine.job import NEVER, Job, JobError, Judge, plain_error
from activation_search.engine.workers import collect
from activation_search.errors import MachineError, UserError
from activation_search.training.directory import create
from activation_search.training.result import RunResult, read_result

Answer = tuple[list[RunResult], Exception | None]

CONNECT_SECONDS = 15.0
POLL_SECONDS = 0.05
FETCH_SECONDS = 5.0


class ClusterEngine:
    """See :class:`activation_search.engine.engine.Engine`.

    The scheduler runs the job of a killed worker again on another one, as often as its own setting
    ``allowed-failures`` says. Where workers write to disks of their own, the results of their runs
    are written here too, and their checkpoints and event files stay with them.

    Args:
        address: of the scheduler, such as ``tcp://host:8786``.
        console: for notes.

    Raises:
        UserError: distributed is not installed, or no scheduler answers.
    """

    def __init__(self, address: str, console: Console):
        try:
            from distributed import Client, Queue
        except ImportError as error:
            raise UserError(
                "cluster=… needs Dask's distributed: pip install -e '.[cluster]'."
            ) from error
        self._address, self._console = address, console
        logging.getLogger("distributed").setLevel(
            logging.CRITICAL
        )  # what it tells is an error here
        if not re.fullmatch(r"(tcp|tls)://[^\s/:]+:\d+", address):
            raise UserError(f"cluster={address} must be like tcp://host:8786.")
        try:
            self._client = Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
            # Named, so that two drivers on one scheduler do not read each other's.
            self._questions = Queue(f"questions-{uuid.uuid4().hex}", client=self._client)
            self._scheduler = self._scheduler_id()
        except (OSError, ValueError, TypeError, TimeoutError) as error:
            raise UserError(
                f"No Dask scheduler answers at cluster={address}; start one by dask scheduler."
            ) from error
        self._running: dict[str, tuple[Any, Results, Judge | None]] = {}
        self._ended = threading.Event()
        self._told: set[str] = set()

    def slots(self) -> int:
        with self._talking():
            threads = self._client.nthreads()
        for worker, count in threads.items():
            if count > 1:
                raise UserError(
                    f"The worker {worker} has {count} threads, whose runs would share random "
                    "numbers; start it by dask worker … --nthreads 1."
                )
        if not threads:
            self._note(
                f"No worker is connected to {self._address} yet; start some by "
                f"dask worker {self._address} --nthreads 1."
            )
        return len(threads)

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        key = f"job-{uuid.uuid4().hex}"
        with self._talking():
            remote = self._client.submit(
                _train, job, key, self._questions.name, key=key, pure=False
            )
        remote.add_done_callback(lambda _: self._ended.set())
        future: Results = Future()
        self._running[key] = remote, future, judge if job.judged != NEVER else None
        return future

    def wait(self, timeout: float) -> None:
        self._ended.wait(min(timeout, POLL_SECONDS))
        self._ended.clear()
        if self._client.status != "running":
            raise self._gone()
        if any(judge for _, _, judge in self._running.values()):
            self._answer()
        for key, (remote, future, _) in list(self._running.items()):
            # A job is lost where its worker died with the result; it runs again, unless it is
            # unknown to a scheduler that was started anew.
            if remote.status == "cancelled" or (remote.status == "lost" and self._restarted()):
                raise self._gone()
            if remote.done() and (answer := self._fetch(remote)):
                del self._running[key]
                self._settle(answer, future)

    def _restarted(self) -> bool:
        with self._talking():
            return self._scheduler_id() != self._scheduler

    def _scheduler_id(self) -> str:
        return str(self._client.scheduler_info()["id"])

    @contextmanager
    def _talking(self) -> Iterator[None]:
        """A connection that breaks becomes one sentence."""
        try:
            yield
        except (OSError, TimeoutError, CancelledError) as error:
            raise self._gone() from error

    def _answer(self) -> None:
        from distributed import Queue

        with self._talking():
            questions = [self._questions.get() for _ in range(self._questions.qsize())]
        for key, answers, step, value in questions:
            _, _, judge = self._running.get(key, (None, None, None))
            stop = bool(judge and judge(step, value))
            with self._talking():
                Queue(answers, client=self._client).put(stop)

    def _fetch(self, remote: Any) -> Answer | None:
        """What a job gave; ``None`` where its worker has died since, and it runs again."""
        with self._talking():
            if error := remote.exception():
                killed = type(error).__name__ == "KilledWorker"
                reason = "its worker was killed, and those of its repetitions too"
                return [], JobError(reason) if killed else plain_error(error)
            try:
                answer: Answer = remote.result(timeout=FETCH_SECONDS)
            except TimeoutError:
                return None
            return answer

    def _settle(self, answer: Answer, future: Results) -> None:
        results, failure = answer
        if failure is not None:
            future.set_exception(failure)
            return
        for result in results:
            self._keep(result)
        future.set_result(results)

    def _keep(self, result: RunResult) -> None:
        """Writes a result that lies on a disk of the worker's, where a folder here may have the
        same name."""
        here = _read(Path(result.directory))
        if here and _mark(here) == _mark(result):
            return
        result.directory = str(create(result.parsed_config()))
        result.write()
        self._note(
            "Workers write to disks of their own: their results are kept here too, checkpoints "
            "and event files stay with them; logs=… on a shared disk brings them together."
        )

    def _note(self, text: str) -> None:
        if text not in self._told:
            self._told.add(text)
            self._console.print(text, markup=False, soft_wrap=True)

    def _gone(self) -> MachineError:
        return MachineError(
            f"The scheduler at {self._address} does not answer any more; what is finished is kept, "
            "and the same command resumes once it is started again."
        )

    def close(self) -> None:
        # A client that tries to reach a dead scheduler logs its own end with a traceback.
        logging.disable(logging.CRITICAL)
        try:
            with suppress(OSError, TimeoutError, CancelledError):
                for remote, _, _ in self._running.values():
                    remote.cancel()
                self._questions.close()
                self._client.close(timeout=CONNECT_SECONDS)
        finally:
            logging.disable(logging.NOTSET)


def _mark(result: RunResult) -> tuple[str, int, float]:
    """What no two runs share: their seconds have the digits of a float."""
    return result.host, result.process, result.training_seconds


def _read(directory: Path) -> RunResult | None:
    with suppress(OSError, ValueError):
        return read_result(directory)
    return None


def _train(job: Job, key: str, questions: str) -> Answer:
    """On a worker. An error is returned, since Dask would send it with all that it refers to."""
    from distributed import Queue, get_client, get_worker

    worker = get_worker()
    # Of this attempt alone: another one may have died between its question and the answer.
    answers = f"answers-{uuid.uuid4().hex}"

    def check() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise JobError("its driver has gone")

    def ask(step: int, value: float) -> bool:
        client = get_client()
        queue = Queue(answers, client=client)
        Queue(questions, client=client).put((key, answers, step, value))
        while True:
            try:
                return bool(queue.get(timeout=FETCH_SECONDS))
            except TimeoutError:
                check()

    try:
        return job.train(ask, check), None
    except BaseException as error:
        return [], plain_error(error)
    finally:
        if job.judged != NEVER:
            with suppress(OSError, TimeoutError):
                Queue(answers, client=get_client()).close()
        collect()
