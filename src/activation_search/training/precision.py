"""Parts that keep their precision, whatever the model is cast to."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn


def widest(device: torch.device) -> torch.dtype:
    """The most precise type of real numbers on a device: Apple's GPUs have no float64."""
    return torch.float32 if device.type == "mps" else torch.float64


class KeepsPrecision(nn.Module):
    """Goes to the model's device, but keeps its own types: what is measured and counted would be
    rounded away in half precision."""

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Any:
        def move(t: Tensor) -> Tensor:
            device = fn(t.new_empty(0, dtype=torch.float32)).device
            return t.to(device, widest(device) if t.dtype is torch.float64 else t.dtype)

        return super()._apply(move, recurse)


class Scale(KeepsPrecision):
    """Standardises samples by the training split's statistics, in their precision.

    Args:
        mean, std: float64, see :class:`activation_search.data.splits.Splits`.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Tensor, std: Tensor):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("std", std)

    def forward(self, x: Tensor) -> Tensor:
        """From the data's own scale."""
        return (x.to(self.mean.dtype) - self.mean) / self.std

    def undo(self, x: Tensor) -> Tensor:
        """Back to the data's own scale; a channel that was constant is that constant."""
        return torch.where(self.std.isinf(), self.mean, x * self.std + self.mean)


def precise(t: Tensor) -> Tensor:
    """In float32 at least."""
    return t.to(torch.promote_types(t.dtype, torch.float32))
