"""Activation checkpointing: what is computed again in the backward pass acts as it did forward.

``torch.utils.checkpoint.checkpoint(self.f, x)`` calls the function once more from the backward
pass, where no module's hooks run. So the function is handed on with what was running around it.
Both ways of checkpointing are looked up by name when one checkpoints, and are wrapped there:
people import ``checkpoint`` itself under names of their own.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from torch.utils import checkpoint

Carry = Callable[[Callable[..., Any]], Callable[..., Any]]


def carry_into_recomputation(carry: Carry) -> None:
    """Has every checkpointed function wrapped, for this process.

    Args:
        carry: function -> the same, to be called forward and again in the backward pass.
    """
    reentrant = checkpoint.CheckpointFunction.forward
    without = checkpoint._checkpoint_without_reentrant_generator

    @wraps(reentrant)
    def forward(ctx: Any, run_function: Any, *args: Any) -> Any:
        return reentrant(ctx, carry(run_function), *args)

    @wraps(without)
    def generator(fn: Any, *args: Any, **kwargs: Any) -> Any:
        return without(carry(fn), *args, **kwargs)

    checkpoint.CheckpointFunction.forward = staticmethod(forward)  # type: ignore[method-assign]
    checkpoint._checkpoint_without_reentrant_generator = generator
