"""From the columns of a table to the inputs of a network.

| column | its inputs |
|---|---|
| numbers | the number; beside it 1 where it was missing and 0 elsewhere, if any was |
| yes or no | 1 or 0; beside it the same |
| words | one per word, 1 where it stands and 0 elsewhere; all 0 for a missing or new word |

A missing number is NaN until it is filled by the median of the training part.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from activation_search.data.column import Column
from activation_search.data.frames import frame_columns, is_frame
from activation_search.data.kinds import YES_NO
from activation_search.data.numerals import decimal_sign, is_missing, short, to_numbers
from activation_search.errors import UserError


@dataclass(frozen=True)
class InputColumn:
    """What is made of one column.

    Attributes:
        name: of the column.
        kind: ``"numbers"``, ``"yes or no"`` or ``"words"``.
        missing: how many values training and validation lack.
        words: those of training and validation, in alphabetical order.
        median: of the training part; ``None`` before it is drawn, and of words.

    Example:
        InputColumn("age", "numbers", missing=3).inputs  # ["age", "age missing"]
    """

    name: str
    kind: str
    missing: int = 0
    words: tuple[str, ...] = ()
    median: float | None = None

    @classmethod
    def of(cls, column: Column, kind: str, trained: np.ndarray, most: int) -> "InputColumn":
        """What is to be made of a column.

        Args:
            column: all of its rows.
            kind: of it, see :func:`activation_search.data.kinds.kind_of`.
            trained: the rows for training and validation.
            most: so many different words at most.

        Raises:
            UserError: no value in those rows, or too many words.
        """
        texts = [column.texts[row] for row in trained]
        present = [text for text in texts if not is_missing(text)]
        if not present:
            raise UserError(
                f"{column.where}: column {column.name} holds no value in the rows for training; "
                f"leave it out by data.drop=[{column.name}]."
            )
        words = tuple(sorted(set(present))) if kind == "words" else ()
        if len(words) > most:
            raise UserError(
                f"{column.where}: column {column.name} holds {len(words)} different words, more "
                f"than data.categories={most}; leave it out by data.drop=[{column.name}], or "
                "raise data.categories."
            )
        return cls(column.name, kind, len(texts) - len(present), words)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> "InputColumn":
        """From :meth:`as_dict`."""
        return cls(**{**plain, "words": tuple(plain["words"])})

    def as_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {**asdict(self), "words": list(self.words)}

    @property
    def inputs(self) -> list[str]:
        """Names of the network's inputs."""
        if self.kind == "words":
            return [f"{self.name}={word}" for word in self.words]
        return [self.name, f"{self.name} missing"] if self.missing else [self.name]

    @property
    def is_plain(self) -> bool:
        """A column of numbers without gaps, which is its own input."""
        return self.kind == "numbers" and not self.missing

    def __str__(self) -> str:
        """``age (3 missing: median, flag)``"""
        made = {"words": [f"one-hot of {len(self.words)}"], "yes or no": ["1 for yes"]}
        parts = made.get(self.kind, [])
        if self.missing:
            how = "zeros" if self.kind == "words" else "median, flag"
            parts = [*parts, f"{self.missing} missing: {how}"]
        return f"{self.name} ({', '.join(parts)})" if parts else self.name

    def encode(self, column: Column, sign: str = ".") -> np.ndarray:
        """The inputs of each row, ``[N, len(inputs)]`` of float64; NaN for a missing number.

        Args:
            column: the texts.
            sign: before the decimals.

        Raises:
            UserError: a text that is no number, or neither yes nor no, in a column of these.
        """
        if self.kind == "words":
            return _one_hot(column.texts, self.words)
        values = to_numbers(column, sign) if self.kind == "numbers" else _yes_no(column)
        return np.stack([values, np.isnan(values)], 1) if self.missing else values[:, None]


def _one_hot(texts: Sequence[str], words: Sequence[str]) -> np.ndarray:
    places = {word: place for place, word in enumerate(words)}
    found = np.zeros((len(texts), len(words)))
    for row, text in enumerate(texts):
        if text in places:
            found[row, places[text]] = 1.0
    return found


def _yes_no(column: Column) -> np.ndarray:
    found = np.full(len(column.texts), np.nan)
    for row, text in enumerate(column.texts):
        if not is_missing(text):
            if text.lower() not in YES_NO:
                raise column.error(row, f"holds {short(text)!r}, neither yes nor no.")
            found[row] = YES_NO[text.lower()]
    return found


def medians(x: np.ndarray) -> np.ndarray:
    """Of each input, ``[F]``, without what is missing; 0 where all is."""
    empty = np.isnan(x).all(0)
    return np.nanmedian(np.where(empty, 0.0, x), axis=0)


def fill(x: np.ndarray, by: np.ndarray | float) -> np.ndarray:
    """Inputs ``[N, F]`` with ``by`` (one, or ``[F]``) in place of NaN."""
    return np.where(np.isnan(x), by, x)


def with_medians(columns: Sequence[InputColumn], by: np.ndarray) -> tuple[InputColumn, ...]:
    """The columns with the medians of their inputs."""
    ends = np.cumsum([len(column.inputs) for column in columns])
    return tuple(
        column if column.kind == "words" else replace(column, median=float(by[start]))
        for column, start in zip(columns, [0, *ends[:-1]], strict=True)
    )


def network_inputs(columns: Sequence[InputColumn], x: Any) -> Any:
    """Samples that a user predicts from, as the network's inputs.

    Args:
        columns: of the table that the model was trained on; empty if it was on none.
        x: a pandas frame, which is read as the table was; anything else as it is.

    Raises:
        UserError: the frame lacks a column or holds what the table could not; or it is no frame,
            where numbers alone do not tell which of them are missing or words.
    """
    if not columns:
        return x
    names = [column.name for column in columns]
    if hasattr(x, "to_pandas") and hasattr(x, "columns"):  # a table of another library
        x = x.to_pandas()
    if not is_frame(x):
        if all(column.is_plain for column in columns):
            return x
        raise UserError(
            "This model was trained on a table with gaps or words: predict takes a pandas frame "
            f"with the columns {', '.join(names)}."
        )
    words = {column.name: column.words for column in columns if column.kind == "words"}
    given = frame_columns(x, "The frame", names, words)
    # Columns that are numbers already have a point, whatever the others are written with.
    typed = {
        str(n).strip() for n, kind in zip(x.columns, x.dtypes, strict=True) if kind.kind in "fiub"
    }
    numbers = [c.name for c in columns if c.kind == "numbers"]
    sign = decimal_sign([given[name] for name in numbers if name not in typed], ",")
    parts = [
        fill(c.encode(given[c.name], "." if c.name in typed else sign), c.median or 0.0)
        for c in columns
    ]
    return np.concatenate(parts, 1)
