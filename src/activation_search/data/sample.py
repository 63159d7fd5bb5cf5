"""The shape of one sample, which decides how a model reads it."""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True)
class Sample:
    """What a data set hands to a model, without the batch dimension.

    Args:
        kind: ``"series"`` with shape [T, F], or ``"image"`` with shape [C, H, W].
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
        return {"series": 1, "image": 0}[self.kind]
