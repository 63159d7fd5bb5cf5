"""Data sets: one file per source, split and batched the same way for all."""

from collections.abc import Callable
from functools import cache

from activation_search.data import digits, mnist1d
from activation_search.data.splits import Source, Splits, split
from activation_search.errors import unknown

SOURCES: dict[str, Callable[[], Source]] = {"mnist1d": mnist1d.load, "digits": digits.load}


def load_splits(name: str, validation: float, seed: int) -> Splits:
    """The named data set, split by the seed and standardised; see :func:`split`.

    Raises:
        UserError: there is no such data set.
    """
    if name not in SOURCES:
        raise unknown("data.name", name, SOURCES)
    return split(_source(name), validation, seed)


@cache
def _source(name: str) -> Source:
    # Read once per process: the trials of a study all use it, and splitting copies.
    return SOURCES[name]()
