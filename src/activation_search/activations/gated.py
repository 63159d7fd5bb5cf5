"""Activations that mix channels: gated linear units, CReLU and MaxMin.

They change or couple the channels of their input, so each knows on which dimension the channels
lie (``channel_dim``) and the catalogue states how many channels go in for how many out.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from activation_search.activations.element import Element
from activation_search.activations.fixed import identity


class ChannelModule(Element):
    """A function over groups of channels.

    Args:
        channel_dim: the dimension of the channels: 1 for ``[B, C, ...]``, -1 for ``[B, T, C]``.
    """

    def __init__(self, channel_dim: int = 1):
        super().__init__()
        self.channel_dim = channel_dim

    def extra_repr(self) -> str:
        return f"channel_dim={self.channel_dim}"


class GLU(ChannelModule):
    """Gated linear unit: the first half of the channels times a gate of the second half."""

    gate: Callable[[Tensor], Tensor] = staticmethod(torch.sigmoid)

    def compute(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, self.channel_dim)
        return value * self.gate(gate)


class ReGLU(GLU):
    gate = staticmethod(F.relu)


class GeGLU(GLU):
    gate = staticmethod(F.gelu)


class SwiGLU(GLU):
    gate = staticmethod(F.silu)


class Bilinear(GLU):
    gate = staticmethod(identity)


class CReLU(ChannelModule):
    """Both halves of the axis, each as a channel: the output has twice the channels."""

    def compute(self, x: Tensor) -> Tensor:
        return F.relu(torch.cat([x, -x], self.channel_dim))


class MaxMin(ChannelModule):
    """Sorts each pair of neighbouring channels (GroupSort with groups of two)."""

    def compute(self, x: Tensor) -> Tensor:
        dim = self.channel_dim % x.dim()
        first, second = x.unflatten(dim, (-1, 2)).unbind(dim + 1)
        pairs = torch.stack([torch.maximum(first, second), torch.minimum(first, second)], dim + 1)
        return pairs.flatten(dim, dim + 1)
