"""Tables that come with types: pandas frames and Parquet files, as the texts of their columns."""

from collections.abc import Sequence
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from activation_search.data.column import Column
from activation_search.data.delimited import Table
from activation_search.errors import UserError

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
# Their texts are read as those of a file: a float's has all of its digits.
_READ = (str, bool, int, float, Decimal, date, datetime, time, np.generic)


def is_frame(x: Any) -> bool:
    """Whether it is a pandas frame."""
    import pandas as pd

    return isinstance(x, pd.DataFrame)


def read_parquet(path: Path) -> Table:
    """The table in a Parquet file.

    Raises:
        UserError: pyarrow is not installed, or it cannot read the file.
    """
    import pandas as pd

    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise UserError(f"{path} needs pyarrow: pip install -e '.[parquet]'.") from error
    try:
        frame = pd.read_parquet(path, engine="pyarrow")
    except Exception as error:  # damage of many kinds
        reason = " ".join(str(error).split()).rstrip(".")
        raise UserError(f"{path} cannot be read as Parquet: {reason}.") from error
    return Table(path, ",", frame_columns(frame, str(path), list(frame.columns)))


def frame_columns(frame: "pd.DataFrame", where: str, names: Sequence[str]) -> dict[str, Column]:
    """Columns of a frame by their names, without blanks around them.

    Args:
        frame: its rows are counted from 1.
        where: what errors name.
        names: of the columns to take.

    Raises:
        UserError: the frame lacks a column, or has two of that name, or one of values that are no
            numbers, texts, truth values or times.
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
            "" if gap else _text(value, where, name)
            for value, gap in zip(values, values.isna(), strict=True)
        ]
        found[name] = Column(where, name, True, range(1, len(texts) + 1), texts, unit="row")
    return found


def _text(value: Any, where: str, name: str) -> str:
    if not isinstance(value, _READ):
        raise UserError(
            f"{where}: column {name} holds values of type {type(value).__name__}; leave it out by "
            f"data.drop=[{name}], or write numbers or words."
        )
    return str(value).strip()
