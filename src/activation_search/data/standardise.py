"""Mean and standard deviation of each channel, and samples standardised by them.

Everything is computed in float64 and rounded once, at the end, so that the unit and the offset of a
channel do not matter: times in seconds since 1970 and lengths in nanometres give the same values.
"""

from collections.abc import Iterator

import torch
from torch import Tensor

Rows = Tensor | slice

CHUNK = 1 << 22  # values that are float64 at a time, so that a large array is never copied whole


def moments(x: Tensor, rows: Rows, axis: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel over some samples, exact to float64.

    1. NaN, which marks a missing step, is left out.
    2. A channel with one value alone has that value as its mean, and an infinite standard
       deviation: it standardises to 0 and so does whatever it holds later, of which the network
       has learned nothing.

    Args:
        x: ``[N, ...]`` of any real type.
        rows: the samples.
        axis: the dimension of ``x`` that holds the channels.

    Returns:
        Two tensors ``[channels]`` of float64.
    """
    low, high = extremes(x, rows, axis)
    # Divided by the largest value first, since squares of 1e200 are no numbers.
    size = torch.maximum(low.abs(), high.abs())
    size = torch.where(size > 0, size, 1.0)
    total, count = torch.zeros_like(size), torch.zeros_like(size)
    for part in _chunks(x, rows, axis):
        total += (part / size).nansum(0)
        count += part.isfinite().sum(0)
    mean = total / count
    squares = torch.zeros_like(size)
    for part in _chunks(x, rows, axis):
        squares += (part / size - mean).square().nansum(0)
    varies = high > low
    std = (squares / count).sqrt() * size
    return torch.where(varies, mean * size, low), torch.where(varies, std, torch.inf)


def middle_and_half_range(x: Tensor, rows: Rows, axis: int) -> tuple[Tensor, Tensor]:
    """What puts each channel of some samples into [-1, 1]; infinite half range as in
    :func:`moments`."""
    low, high = extremes(x, rows, axis)
    half = high / 2 - low / 2
    return low / 2 + high / 2, torch.where(half > 0, half, torch.inf)


def extremes(x: Tensor, rows: Rows, axis: int) -> tuple[Tensor, Tensor]:
    """Smallest and largest value of each channel over some samples, without NaN."""
    low = torch.full((x.shape[axis],), torch.inf, dtype=torch.float64)
    high = -low
    for part in _chunks(x, rows, axis):
        missing = part.isnan()
        low = torch.minimum(low, part.masked_fill(missing, torch.inf).amin(0))
        high = torch.maximum(high, part.masked_fill(missing, -torch.inf).amax(0))
    return low, high


def standardise(x: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """``(x - mean) / std`` in float64, rounded to float32; mean and std broadcast over ``x``."""
    result = torch.empty(x.shape, dtype=torch.float32)
    step = _samples_per_chunk(x)
    for start in range(0, len(x), step):
        some = slice(start, start + step)
        result[some] = (x[some].double() - mean) / std
    return result


def _chunks(x: Tensor, rows: Rows, axis: int) -> Iterator[Tensor]:
    """Some samples, a few at a time, as ``[values, channels]`` of float64."""
    step = _samples_per_chunk(x)
    if isinstance(rows, slice):
        rows = torch.arange(len(x))[rows]
    for some in rows.split(step):
        yield x[some].double().movedim(axis, -1).flatten(0, -2)


def _samples_per_chunk(x: Tensor) -> int:
    return max(1, CHUNK // max(1, x[0].numel()))
