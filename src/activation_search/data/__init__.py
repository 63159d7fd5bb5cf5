"""Data sets: one file per source, split and batched the same way for all."""

from collections.abc import Callable
from functools import cache

from activation_search.data import digits, mnist1d, tables, toys
from activation_search.data.splits import Source, Splits, split
from activation_search.errors import unknown

SOURCES: dict[str, Callable[[], Source]] = {
    "mnist1d": mnist1d.load,
    "digits": digits.load,
    "breast_cancer": tables.breast_cancer,
    "diabetes": tables.diabetes,
    "friedman1": tables.friedman1,
    "xor": toys.xor,
    "two_spirals": toys.two_spirals,
}


def load_splits(name: str, validation: float, seed: int) -> Splits:
    """The named data set, split by the seed and standardised; see :func:`split`.

    Raises:
        UserError: there is no such data set.
    """
    return split(load_source(name), validation, seed)


@cache
def load_source(name: str) -> Source:
    """The named data set as it comes, read once per process: the trials of a study all use it.

    Raises:
        UserError: there is no such data set.
    """
    if name not in SOURCES:
        raise unknown("data.name", name, SOURCES)
    return SOURCES[name]()
