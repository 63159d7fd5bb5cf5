"""What travels to a worker: runs that belong together, and what comes of them."""

import traceback
from collections.abc import Callable
from dataclasses import dataclass

from activation_search.config.run import TrainConfig
from activation_search.errors import MachineError, UserError, machine_error
from activation_search.passwords import without_passwords
from activation_search.training.history import EpochRow
from activation_search.training.result import FINISHED, PRUNED, RunResult
from activation_search.training.run import train
from activation_search.training.task import criterion_of

# Gets a step and the validation metric there; True stops the job.
Judge = Callable[[int, float], bool]

NEVER, EPOCHS, RUNS = "never", "epochs", "runs"


@dataclass(frozen=True)
class Job:
    """Runs that are trained one after the other in one process, until one does not finish.

    Attributes:
        runs: their configurations.
        judged: when the driver is asked whether to stop: ``never``, at the ``epochs`` of the first
            run (step: the epoch, from 1), or after each of the ``runs`` (step: its seed), where
            the answer after the last makes no difference. A job that is stopped ends with a pruned
            result.
        metric: what is judged, such as ``val_loss``; the task's metric on the validation split
            where it is left out.

    Example:
        results = Job((config,)).train(lambda step, value: False)
    """

    runs: tuple[TrainConfig, ...]
    judged: str = NEVER
    metric: str = ""

    def train(self, judge: Judge, check: Callable[[], None] = lambda: None) -> list[RunResult]:
        """Trains the runs, in the process that this is called in.

        Args:
            judge: whether to stop.
            check: called after each epoch; what it raises ends the job.

        Returns:
            The results of the runs that began.

        Raises:
            Exception: see :func:`activation_search.training.run.train`.
        """
        results: list[RunResult] = []
        for config in self.runs:
            metric = self.metric or f"val_{criterion_of(config).metric}"
            judged = self.judged == EPOCHS and not results

            def on_epoch(row: EpochRow, metric: str = metric, judged: bool = judged) -> bool:
                check()
                return judged and judge(int(row["epoch"]) + 1, row[metric])

            result = train(config, on_epoch=on_epoch)
            results.append(result)
            if result.status != FINISHED:
                break
            last = len(results) == len(self.runs)
            if self.judged == RUNS and judge(result.seed, result.metrics[metric]) and not last:
                result.status = PRUNED
                break
        return results


class JobError(Exception):
    """A job raised an error, or its worker was killed twice.

    Args:
        reason: the error in a line.
        trace: where it was raised; empty for a killed worker.
    """

    def __init__(self, reason: str, trace: str = ""):
        super().__init__(reason, trace)
        self.reason = reason
        self.trace = trace

    def __str__(self) -> str:
        return self.reason


def plain_error(error: BaseException) -> Exception:
    """An error that can travel to another process, whatever it holds; that of a failed machine as
    :class:`MachineError`."""
    if isinstance(error, OSError):
        error = machine_error(error) or error
    if isinstance(error, JobError):
        return error
    if isinstance(error, MachineError):
        return MachineError(str(error))
    first = next(iter(str(error).splitlines()), "")
    reason = first if isinstance(error, UserError) else f"{type(error).__name__}: {first}"
    trace = "".join(traceback.format_exception(error))
    return JobError(without_passwords(reason), without_passwords(trace))
