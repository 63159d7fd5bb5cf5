"""The shape of one sample, which decides how a model reads it, and what is asked about it."""

from dataclasses import dataclass
from math import prod

from torch import Tensor


@dataclass(frozen=True)
class Sample:
    """What a data set hands to a model, without the batch dimension.

    Args:
        kind: ``"vector"`` with shape [F], ``"series"`` with shape [T, F], ``"image"`` with shape
            [C, H, W], or ``"tokens"`` with shape [T], whole numbers below ``vocabulary``.
        shape: the lengths of its dimensions; of a series whose length varies, those of the longest.
        varies: series may be shorter than ``shape``; missing trailing steps are NaN.
        vocabulary: number of different tokens.
    """

    kind: str
    shape: tuple[int, ...]
    varies: bool = False
    vocabulary: int = 0

    def __str__(self) -> str:
        """``image [1, 8, 8]``"""
        return f"{self.kind} {list(self.shape)}" + (" or shorter" if self.varies else "")

    @property
    def size(self) -> int:
        """Number of values in one sample."""
        return prod(self.shape)

    @property
    def channel_axis(self) -> int:
        """Dimension of ``shape`` that holds features or colours: standardised one by one."""
        return {"vector": 0, "series": 1, "image": 0}[self.kind]

    def arranged(self, x: Tensor) -> Tensor:
        """Samples ``[B, ...]`` with a single feature or colour put where it was left out, and
        colours that come last put first; others as they are."""
        given, shape = tuple(x.shape[1:]), self.shape
        if self.kind == "series" and shape[-1] == 1 and x.dim() == 2:
            return x.unsqueeze(-1)
        if self.kind == "image" and shape[0] == 1 and given == shape[1:]:
            return x.unsqueeze(1)
        if self.kind == "image" and given != shape and given == (*shape[1:], shape[0]):
            return x.movedim(-1, 1)
        return x

    @property
    def statistics_shape(self) -> list[int]:
        """Shape of a mean per channel that broadcasts over a batch."""
        ones = [1] * (1 + len(self.shape))
        if self.kind != "tokens":  # numbers of characters have no mean
            ones[1 + self.channel_axis] = self.shape[self.channel_axis]
        return ones


def lacking_steps(x: Tensor) -> Tensor:
    """Which steps ``[B, T]`` of series ``[B, T, F]`` or ``[B, T]`` are not there: those that are
    NaN in every feature, up to the end."""
    empty = x.isnan() if x.dim() == 2 else x.isnan().all(2)
    return empty.flip(1).cumprod(1).flip(1).bool()


# What is asked, and the function on the output that follows from it.
TASK_TEXT = {
    "classes": "one of several classes: softmax",
    "binary": "yes or no: sigmoid",
    "numbers": "numbers: linear output",
    "itself": "the sample itself: tanh",
    "next": "each next character: softmax",
}


@dataclass(frozen=True)
class Target:
    """What is asked about a sample; the task follows from it.

    Args:
        kind: ``"classes"`` (one of several; targets int64 ``[N]``), ``"binary"`` (yes or no; 0 or 1
            as int64 ``[N]``), ``"numbers"`` (float32 ``[N, size]``), ``"itself"`` (the sample), or
            ``"next"`` (the token after each of the sample's, ``[N, T]``).
        size: number of classes, of numbers, of values in a sample, or of tokens; 1 for yes or no.
        names: of the classes or tokens, where they have any.
    """

    kind: str
    size: int
    names: tuple[str, ...] = ()

    @classmethod
    def among(cls, classes: int, names: tuple[str, ...] = ()) -> "Target":
        """Which of so many classes; of two, yes or no."""
        return cls("binary", 1, names) if classes == 2 else cls("classes", classes, names)
