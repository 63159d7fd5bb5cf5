"""An activation that holds its run until a test lets it go on; so a run is caught in the middle of
its training on any machine, without waiting for a time.

Tests copy this file into the working folder of the processes that they start, as ``held.py``.
"""

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path

import psutil
import torch
from torch import nn

ONCE, ALL = Path("let-one-go"), Path("let-all-go")


class Leaky(nn.Module):
    """Leaky ReLU. In a worker process, of Python's or with HOLDS in its environment, its first
    training batch waits for one of two files in the working folder: one that lets a single run
    go on and is used up, or one that lets all. A file named by its process shows that it waits."""

    def __init__(self, slope: float):
        super().__init__()
        self.slope = slope
        self.holds = multiprocessing.parent_process() is not None or "HOLDS" in os.environ

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        # Not the small batch on which an own function is tried, nor one that is only looked at.
        if self.holds and self.training and len(x) > 60:
            _hold()
            self.holds = False
        return nn.functional.leaky_relu(x, self.slope)


def _hold() -> None:
    """Ends also when the process is asked to terminate, which Lightning notices after a batch."""
    asked: list[int] = []
    main = threading.current_thread() is threading.main_thread()  # not so in Dask's workers
    handler = signal.getsignal(signal.SIGTERM)

    def note(number: int, frame: object) -> None:
        asked.append(number)
        if callable(handler):
            handler(number, frame)

    if main:
        signal.signal(signal.SIGTERM, note)
    mark = Path(f"held-{os.getpid()}")
    mark.touch()
    while not (asked or ALL.exists() or _use_up(ONCE)):
        time.sleep(0.01)
    mark.unlink()
    if main:
        signal.signal(signal.SIGTERM, handler)


def held_processes(folder: Path) -> list[int]:
    """Living processes that hold a run in that working folder."""
    numbers = [int(mark.name.partition("-")[2]) for mark in folder.glob("held-*")]
    return [number for number in numbers if _lives(number)]


def _lives(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _use_up(path: Path) -> bool:
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    return True
