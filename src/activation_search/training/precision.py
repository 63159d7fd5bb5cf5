"""Parts that keep their precision, whatever the model is cast to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


class KeepsPrecision(nn.Module):
    """Goes to the model's device, but stays in float32: what is measured and counted would be
    rounded away in half precision."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        def move(t: Tensor) -> Tensor:
            return t.to(fn(t.new_empty(0)).device)

        return super()._apply(move, recurse)


class Scale(KeepsPrecision):
    """Standardises samples by the training split's statistics.

    Args:
        mean, std: see :class:`activation_search.data.splits.Splits`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor) -> Tensor:
        """From the data's own scale."""
        return (x - self.mean) / self.std

    def undo(self, x: Tensor) -> Tensor:
        """Back to the data's own scale."""
        return x * self.std + self.mean


def precise(t: Tensor) -> Tensor:
    """In float32 at least."""
    return t.to(torch.promote_types(t.dtype, torch.float32))
