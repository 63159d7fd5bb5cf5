"""The shape of one sample, which decides how a model reads it, and what is asked about it."""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Sample:
    """What a data set hands to a model, without the batch dimension.

    Args:
        kind: ``"vector"`` with shape [F], ``"series"`` with shape [T, F], or ``"image"`` with shape
            [C, H, W].
        shape: the lengths of its dimensions.
    """

    kind: str
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """Number of values in one sample."""
        return prod(self.shape)

    @property
    def channel_axis(self) -> int:
        """Dimension of ``shape`` that holds features or colours: standardised one by one."""
        return {"vector": 0, "series": 1, "image": 0}[self.kind]


@dataclass(frozen=True)
class Target:
    """What is asked about a sample; the task follows from it.

    Args:
        kind: ``"classes"`` (one of several; targets int64 ``[N]``), ``"binary"`` (yes or no; 0 or 1
            as int64 ``[N]``), or ``"numbers"`` (float32 ``[N, size]``).
        size: number of classes, or of numbers; 1 for yes or no.
    """

    kind: str
    size: int
