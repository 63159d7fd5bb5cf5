"""What users hand over in Python, as numpy has it, and nothing of it lost without a word."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from activation_search.errors import UserError


def as_array(where: str, value: Any) -> np.ndarray:
    """What is given in Python: an array, list, tensor or frame.

    Args:
        where: names it in messages.
        value: what is given.

    Raises:
        UserError: masked values, gaps among words, or no array at all.
    """
    try:
        if isinstance(value, torch.Tensor):
            value = value.detach().cpu()
            value = value.float() if value.dtype is torch.bfloat16 else value  # unknown to numpy
        parts = value if isinstance(value, list | tuple) else [value]
        if any(map(np.ma.is_masked, parts)):
            raise UserError(f"{where} has masked values; fill them in.")
        array = np.asarray(value)
        if array.dtype.kind == "O" and _is_pandas(value):
            array = _words(where, array)
        # Of a list of words numpy would make another word of a gap.
        if array.dtype.kind in "US" and isinstance(value, list | tuple):
            for at, word in enumerate(np.asarray(value, dtype=object).flat):
                if isinstance(word, float | np.floating):
                    raise UserError(f"{where} holds {word} among words, at {at}.")
        return array
    except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, and others
        raise UserError(f"{where} cannot be made an array: {error}.") from error


def _is_pandas(value: Any) -> bool:
    """Whether it is a frame or a series, which is told without pandas' import."""
    return type(value).__module__.partition(".")[0] == "pandas"


def _words(where: str, objects: np.ndarray) -> np.ndarray:
    """What pandas keeps words as, as words; other objects as they are."""
    import pandas as pd

    gaps = pd.isna(objects)
    if not gaps.all() and all(isinstance(value, str) for value in objects[~gaps]):
        for at in np.argwhere(gaps)[:1]:
            raise UserError(f"{where} holds {objects[tuple(at)]} among words, at {at[0]}.")
        return objects.astype(np.str_)
    return objects


def aligned(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Frames of several parts of a data set with their columns in the order of the first one; as
    they are where two columns have one name, or there is only one.

    Args:
        parts: name -> what is given, pandas frames or anything else.

    Raises:
        UserError: frames with different columns.
    """
    found = dict(parts)
    frames = {n: v for n, v in parts.items() if _is_pandas(v) and hasattr(v, "columns")}
    named = {name: [str(column) for column in frame.columns] for name, frame in frames.items()}
    for first, other in zip([*named][:1] * len(named), named, strict=True):
        wanted, given = named[first], named[other]
        if len(wanted) < 2 or len({*wanted}) < len(wanted):
            return found
        if sorted(wanted) != sorted(given):
            raise UserError(
                f"{other} has the columns {', '.join(given)}, and {first} {', '.join(wanted)}."
            )
        found[other] = frames[other].iloc[:, [given.index(name) for name in wanted]]
    return found
