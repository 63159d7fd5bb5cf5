"""Tables that come with types: pandas frames and Parquet files, as the texts of their columns."""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, time
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from activation_search.data.column import Column
from activation_search.data.delimited import Table
from activation_search.data.numerals import is_number, plain
from activation_search.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
_NAMELESS_INDEX = re.compile(r"__index_level_\d+__")  # as pandas writes one
_WHOLE = ("Int8", "Int16", "Int32", "Int64", "UInt8", "UInt16", "UInt32", "UInt64")
# Their texts are read as those of a file: a float's has all of its digits.
_READ = (str, bool, int, float, Decimal, date, datetime, time, np.generic)


def is_frame(x: Any) -> bool:
    """Whether it is a pandas frame."""
    import pandas as pd

    return isinstance(x, pd.DataFrame)


def read_parquet(path: Path, drop: Collection[str] = ()) -> Table:
    """The table in a Parquet file, an index with a name among its columns.

    Args:
        path: of the file.
        drop: columns that may hold anything.

    Raises:
        UserError: pyarrow is not installed, or it cannot read the file, or a column holds what is
            neither numbers nor words.
    """
    import pandas as pd

    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(f"{path} needs pyarrow: pip install -e '.[parquet]'.") from error
    try:
        # Beside a gap pandas would round whole numbers to float64.
        exact = {getattr(pa, kind.lower())(): getattr(pd, f"{kind}Dtype")() for kind in _WHOLE}
        frame = pq.read_table(path).to_pandas(types_mapper=exact.get, ignore_metadata=True)
    except Exception as error:  # damage of many kinds
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{path} cannot be read as Parquet: {reason}.") from error
    named = [c for c in frame.columns if not _NAMELESS_INDEX.fullmatch(str(c))]
    for name in named:
        if str(name).strip() in drop:
            frame[name] = ""
    return Table(path, ",", frame_columns(frame, str(path), named))


def frame_columns(
    frame: "pd.DataFrame",
    where: str,
    names: Sequence[str],
    words: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> dict[str, Column]:
    """Columns of a frame by their names, without blanks around them.

    Args:
        frame: its rows are counted from 1.
        where: what errors name.
        names: of the columns to take.
        words: column -> words that are known of it.

    Raises:
        UserError: the frame lacks a column, or has two of that name, or one of values that are no
            numbers, texts, truth values or times; or a number that could be several known words.
    """
    places: dict[str, list[int]] = {}
    for place, name in enumerate(frame.columns):
        places.setdefault(str(name).strip(), []).append(place)
    found = {}
    for name in (str(name).strip() for name in names):
        if name not in places:
            raise UserError(f"{where} lacks column {name}; it has {', '.join(places)}.")
        if len(places[name]) > 1:
            raise UserError(f"{where} has two columns named {name!r}.")
        values = frame.iloc[:, places[name][0]]
        texts = [
            "" if gap else _text(value, where, name, words.get(name, ()))
            for value, gap in zip(values, values.isna(), strict=True)
        ]
        found[name] = Column(where, name, True, range(1, len(texts) + 1), texts, unit="row")
    return found


def _text(value: Any, where: str, name: str, words: Sequence[str]) -> str:
    if not isinstance(value, _READ):
        raise UserError(
            f"{where}: column {name} holds values of type {type(value).__name__}; leave it out by "
            f"data.drop=[{name}], or write numbers or words."
        )
    text = str(value).strip()
    fraction = isinstance(value, float | np.floating)
    if isinstance(value, str) or not words or (text in words and not fraction):
        return text
    # A program made a number or a truth value of a word: 38 may be 38.0 now, and TRUE is True.
    same = _same(text, tuple(words))
    if len(same) > 1:
        raise UserError(
            f"{where}: column {name} holds the number {text}, which may be {' or '.join(same)}; "
            f"read it as words, pandas.read_csv(…, dtype={{{name!r}: str}})."
        )
    return same[0] if same else text


@lru_cache(maxsize=1024)
def _same(text: str, words: tuple[str, ...]) -> list[str]:
    """The words that say the same as the text of a number or a truth value."""
    if not is_number(text):
        return [word for word in words if word.lower() == text.lower()]
    numbers = {word: plain(word).replace(",", ".") for word in words if is_number(word)}
    return [word for word, number in numbers.items() if float(number) == float(text)]
