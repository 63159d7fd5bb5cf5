"""What measures where a run's time goes: nothing, or one of Lightning's profilers."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import torch
from lightning.pytorch.profilers import (
    PassThroughProfiler,
    Profiler,
    PyTorchProfiler,
    SimpleProfiler,
)
from torch.profiler import ProfilerAction

FILE = "profile"  # to which Lightning adds the stage: fit-profile.txt


class NoProfiler(PassThroughProfiler):
    """Lightning's own makes a context for each of some thirty hooks a step, though it does nothing:
    a fortieth of a small model's run."""

    nothing = nullcontext()  # which may be entered again, and within itself

    def profile(self, action_name: str) -> AbstractContextManager[None]:  # type: ignore[override]
        return self.nothing


def build_profiler(name: str | None, directory: Path) -> Profiler:
    """The profiler of a run, which writes into the run directory.

    Args:
        name: ``simple``, the time of each hook; ``pytorch``, that of each operator and kernel in
            three training steps, with a trace; ``None`` for nothing.
        directory: of the run.
    """
    if name is None:
        return NoProfiler()
    if name == "simple":
        return SimpleProfiler(directory, FILE)
    return PyTorchProfiler(directory, FILE, schedule=_first_steps())


def _first_steps() -> Callable[[int], ProfilerAction]:
    """Records once, the third to fifth step. Lightning's own schedule begins anew again and again,
    and where an epoch validates on fewer than five batches records everything from there on."""
    plan = torch.profiler.schedule(wait=1, warmup=1, active=3, repeat=1)
    done = False

    def once(step: int) -> ProfilerAction:
        nonlocal done
        action = ProfilerAction.NONE if done else plan(step)
        done = done or action is ProfilerAction.RECORD_AND_SAVE
        return action

    return once
