"""Numbers of a user's file as floats, none of them rounded without a word."""

import numpy as np

from activation_search.errors import UserError

ADVICE = "; subtract a constant from all of them, or divide them"


def to_floats(
    where: str, array: np.ndarray, least: type = np.float32, advice: str = ADVICE
) -> np.ndarray:
    """The same values as float32 where that holds all values of their type, else as float64.

    Args:
        where: what errors name.
        array: of whole numbers, floats or truth values, the samples first.
        least: ``np.float64`` for float64 in any case.
        advice: what the error goes on to say.

    Raises:
        UserError: a whole number beyond 2**53 that float64 would round.

    Example:
        to_floats("x", np.array([1, 2], np.int16)).dtype  # float32
    """
    promoted = np.promote_types(array.dtype, np.float32)
    dtype = np.dtype(np.float64) if promoted != np.float32 else np.dtype(least)
    with np.errstate(over="ignore"):  # of long doubles; the caller refuses what is not finite
        floats = array.astype(dtype)
    if array.dtype.kind in "iu" and array.dtype.itemsize == 8:
        # A float at the upper end of the type is already beyond it, and cannot be cast back.
        beyond = floats >= float(np.iinfo(array.dtype).max)
        rounded = beyond | (np.where(beyond, 0, floats).astype(array.dtype) != array)
        if rounded.any():
            at = np.argwhere(rounded)[0]
            raise UserError(
                f"{where} holds {array[tuple(at)]} at sample {at[0]}, which float64 would round"
                f"{advice}."
            )
    return floats
