"""Keeps Lightning's remarks out of the output."""

import logging
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_NOT_NEWS = (
    "Checkpoint directory .* exists and is not empty",  # the run directory: it holds the result
    ".*callbacks used to create the checkpoint need to be provided",  # health was switched off
    ".*does not have many workers",  # the benchmark's DataLoader; ours has none
    ".*could not find the monitored key",  # an epoch cut short by max_steps or by divergence
    ".*AMP with fp16 is not supported on CPU",  # refused by check_machine, not replaced in silence
    ".*Profiler clears events at the end of each cycle",  # as Lightning's profiler means it to
    r".*isinstance\(treespec, LeafSpec\)",  # Lightning 2.6 on torch 2.13
)


def _leave_to_the_run(failure: threading.ExceptHookArgs) -> None:
    """TensorBoard's writer fails in a thread of its own, on a full disk for instance, and again in
    the run at its next call, which is where the error is dealt with."""
    if not isinstance(failure.exc_value, OSError):
        threading.__excepthook__(failure)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Keeps Lightning's remarks out of the output, and warnings that do not apply here."""
    hook, threading.excepthook = threading.excepthook, _leave_to_the_run
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _NOT_NEWS:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        threading.excepthook = hook
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
