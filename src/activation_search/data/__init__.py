"""Data sets: one file per source, split and batched the same way for all."""

from collections.abc import Callable

from activation_search.data import digits, mnist1d
from activation_search.data.splits import Source, Splits, split

SOURCES: dict[str, Callable[[], Source]] = {"mnist1d": mnist1d.load, "digits": digits.load}


def load_splits(name: str, validation: float, seed: int) -> Splits:
    """The named data set, split by the seed and standardised; see :func:`split`."""
    return split(SOURCES[name](), validation, seed)
