"""Waits for states, not for times: a test holds however slow its machine is."""

import subprocess
import time
from collections.abc import Callable
from typing import TypeVar

from .program import SAFETY_SECONDS, Program

State = TypeVar("State")


def wait_until(
    reached: Callable[[], State], while_running: Program | subprocess.Popen | None = None
) -> State:
    """Calls ``reached`` until what it returns is true, and returns that.

    Args:
        reached: the state that is waited for.
        while_running: the process that is to bring it about; its end is an error with its output.
    """
    deadline = time.monotonic() + SAFETY_SECONDS
    while not (state := reached()):
        if while_running is not None and while_running.poll() is not None:
            raise AssertionError(f"It ended before that: {output_of(while_running)}")
        assert time.monotonic() < deadline, "waited for ever"
        time.sleep(0.02)
    return state


def output_of(process: Program | subprocess.Popen) -> str:
    """All that the process has printed, and its errors, once it has ended."""
    return "\n".join(filter(None, process.communicate(timeout=SAFETY_SECONDS)))
