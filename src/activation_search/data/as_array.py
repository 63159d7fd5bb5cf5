"""What users hand over in Python, as numpy has it, and nothing of it lost without a word."""

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
        # Of a list of words numpy would make another word of a gap.
        if array.dtype.kind in "US" and isinstance(value, list | tuple):
            for at, word in enumerate(np.asarray(value, dtype=object).flat):
                if isinstance(word, float | np.floating):
                    raise UserError(f"{where} holds {word} among words, at {at}.")
        return array
    except (ValueError, TypeError, RuntimeError) as error:  # lists of different lengths, and others
        raise UserError(f"{where} cannot be made an array: {error}.") from error
