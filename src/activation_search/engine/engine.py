"""What runs jobs. Knows nothing of studies and comparisons."""

from concurrent.futures import Future
from typing import Protocol

from activation_search.engine.job import Job, Judge
from activation_search.training.result import RunResult

Results = Future[list[RunResult]]


class Engine(Protocol):
    """Runs jobs in other processes, here or on other machines.

    A job whose worker is killed is run again: once on this machine, on a cluster as often as its
    scheduler allows. Then its future raises :class:`activation_search.engine.job.JobError`.
    """

    def slots(self) -> int:
        """How many jobs can run at a time, now."""

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        """Starts a job, or queues it where no slot is free.

        Args:
            job: what to run.
            judge: called inside :meth:`wait`, where the job asks whether to stop.

        Returns:
            A future of the job's results.
        """

    def wait(self, timeout: float) -> None:
        """Waits until a job ends or asks something, at most so many seconds.

        Raises:
            MachineError: what runs the jobs is gone.
        """

    def close(self) -> None:
        """Interrupts what still runs, on a cluster at the end of its epoch, and ends workers of its
        own."""
