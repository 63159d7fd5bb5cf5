"""Samples that a user predicts from."""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from activation_search.data.as_array import as_array
from activation_search.data.floats import to_floats
from activation_search.data.sample import Sample, lacking_steps
from activation_search.errors import UserError


def as_samples(x: Any, sample: Sample) -> Tensor:
    """As a tensor in a type that torch can scale, with none of the numbers changed.

    Args:
        x: an array, list or tensor ``[B, ...]``.
        sample: what the model reads.

    Raises:
        UserError: no numbers, masked ones, some that float64 would round, or that are not finite;
            of text no tokens.
    """
    if not (isinstance(x, Tensor) and x.is_floating_point()):
        array = as_array("predict: x", x)
        if array.dtype.kind not in "fiub":
            raise UserError(f"predict takes numbers, not an array of type {array.dtype}.")
        # Torch has no other byte orders, and no steps backwards.
        floats = to_floats("predict: x", array, np.float64, advice="")
        x = torch.from_numpy(np.ascontiguousarray(floats))
    if sample.kind == "tokens":
        _check_tokens(x, sample.vocabulary)
        return x.long()
    _check_finite(x, sample.varies)
    return x


def _check_tokens(x: Tensor, vocabulary: int) -> None:
    bad = (x != x.floor()) | (x < 0) | (x >= vocabulary)
    if bad.any():
        raise UserError(
            f"predict takes tokens, whole numbers from 0 to {vocabulary - 1}, and x holds "
            f"{x[bad][0].item():g}."
        )


def _check_finite(x: Tensor, varies: bool) -> None:
    bad, where = ~x.isfinite(), ""
    if varies and x.dim() in (2, 3):
        lacking = lacking_steps(x)
        if lacking.all(1).any():
            raise UserError("predict takes series of a step or more, and x holds one of none.")
        bad &= ~lacking.reshape(*lacking.shape, *[1] * (x.dim() - 2))
        where = " before the end of a series"
    if bad.any():
        raise UserError(f"predict takes finite numbers, and x holds NaN or infinity{where}.")
