"""An activation that holds its run until a test lets it go on; so a run is caught in the middle of
its training on any machine, without waiting for a time.

Tests copy this file into the working folder of the processes that they start, as ``held.py``.
"""

import multiprocessing
import signal
import time
from pathlib import Path

import torch
from torch import nn

ONCE, ALL = Path("let-one-go"), Path("let-all-go")


class Leaky(nn.Module):
    """Leaky ReLU. In a worker process its first training batch waits for one of two files in the
    working folder: one that lets a single run go on and is used up, or one that lets all."""

    def __init__(self, slope: float):
        super().__init__()
        self.slope = slope
        self.holds = multiprocessing.parent_process() is not None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Not the small batch on which an own function is tried, nor one that is only looked at.
        if self.holds and self.training and len(x) > 60:
            _hold()
            self.holds = False
        return nn.functional.leaky_relu(x, self.slope)


def _hold() -> None:
    """Ends also when the process is asked to terminate, which Lightning notices after a batch."""
    asked: list[int] = []
    handler = signal.getsignal(signal.SIGTERM)

    def note(number: int, frame: object) -> None:
        asked.append(number)
        if callable(handler):
            handler(number, frame)

    signal.signal(signal.SIGTERM, note)
    while not (asked or ALL.exists() or _use_up(ONCE)):
        time.sleep(0.01)
    signal.signal(signal.SIGTERM, handler)


def _use_up(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
