"""Numbers as people and programs write them into tables.

With a decimal point or a decimal comma, one of the two in a whole table, and without thousands
separators: ``1,234`` is read only where it can mean one number alone.
"""

import re
from collections.abc import Sequence

import numpy as np

from activation_search.data.column import Column
from activation_search.errors import UserError

_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)
_POINT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_COMMA = re.compile(r"[+-]?(\d+,?\d*|,\d+)([eE][+-]?\d+)?", re.ASCII)
# Its comma or point may part thousands as well as decimals.
_EITHER = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
# With thousands separators, a currency, or per cent: not read, but no words either.
_DRESSED = re.compile(
    r"[+-]?[$€£¥]? ?[+-]?\d[\d.,'\u2019 \xa0\u202f]*([eE][+-]?\d+)? ?[$€£¥%]?", re.ASCII
)
_NOT_FINITE = {"inf", "infinity", "nan"}
# What programs write where a value is missing; of these, words beside which "none" or "-" may be a
# class of its own are not.
MISSING = {"na", "n/a", "nan", "null", "#n/a", "<na>"}
_MISSING = {*MISSING, "", "none", "nil", "-", "--", "?", ".", "-nan", "#na", "#n/a n/a", "1.#ind",
            "-1.#ind", "1.#qnan", "-1.#qnan", "#div/0!", "#value!", "#ref!", "#num!", "#name?",
            "#null!"}  # fmt: skip


def plain(text: str) -> str:
    """With the minus sign of a keyboard in place of the typographical one."""
    return text.replace("\u2212", "-")


def is_whole(text: str) -> bool:
    """Digits alone, perhaps with a sign."""
    return bool(_WHOLE.fullmatch(plain(text)))


def is_number(text: str) -> bool:
    """A number with a decimal point or a decimal comma."""
    return bool(_POINT.fullmatch(plain(text)) or _COMMA.fullmatch(plain(text)))


def is_missing(text: str) -> bool:
    """Nothing, or a mark of a missing value, all of pandas' among them."""
    return text.lower() in _MISSING


def is_no_value(text: str) -> bool:
    """Missing, or a number that is not finite."""
    return is_missing(text) or text.lower().lstrip("+-") in _NOT_FINITE


def looks_like_number(text: str) -> bool:
    """A number, or one with thousands separators, a currency or per cent."""
    return is_number(text) or bool(_DRESSED.fullmatch(plain(text)))


def decimal_sign(columns: Sequence[Column], separator: str) -> str:
    """The sign that all numbers of a table have before their decimals.

    Args:
        columns: those that hold numbers.
        separator: of the table. Semicolons stand where a comma is the decimal sign, so that
            ``1,234`` is read as 1.234 there.

    Raises:
        UserError: both signs occur, or commas of which each could part thousands; beside
            semicolons also points of which each could.
    """
    point = comma = None
    unsure = separator != ";"
    for column in columns:
        for row, text in enumerate(map(plain, column.texts)):
            if "," in text and _COMMA.fullmatch(text):
                comma = comma or (column, row)
                unsure = unsure and bool(_EITHER.fullmatch(text))
            elif "." in text and _POINT.fullmatch(text):
                point = point or (column, row)
    if comma is None:
        if separator == ";":
            _check_points(columns)
        return "."
    column, row = comma
    if point is not None:
        other, at = point
        raise column.error(
            row,
            f"holds {column.texts[row]!r}, but column {other.name} {other.texts[at]!r} "
            f"({other.place(at)}); write all numbers with a decimal point, or all with a comma, "
            "and without thousands separators.",
        )
    if unsure:
        raise column.error(
            row,
            f"holds {column.texts[row]!r}, whose comma may part thousands or decimals; write it "
            "with a decimal point, or without the comma.",
        )
    return ","


def _check_points(columns: Sequence[Column]) -> None:
    """Of a table with semicolons, whose points part thousands where a comma would be decimal."""
    doubtful = None
    for column in columns:
        texts = [plain(text) for text in column.texts]
        dotted = [row for row, text in enumerate(texts) if "." in text and _POINT.fullmatch(text)]
        if any(not _EITHER.fullmatch(texts[row]) for row in dotted):
            return  # it can be decimal alone
        if dotted:
            doubtful = doubtful or (column, dotted[0])
    if doubtful:
        column, row = doubtful
        raise column.error(
            row,
            f"holds {column.texts[row]!r}, whose point may part thousands or decimals; write it "
            "without the point, or with a decimal comma.",
        )


def to_numbers(column: Column, sign: str) -> np.ndarray:
    """A column as float64, NaN where a value is missing.

    Args:
        column: its texts.
        sign: decimal point or comma, see :func:`decimal_sign`.

    Raises:
        UserError: a text that is no finite number, or a whole number that float64 would round.
    """
    pattern = _COMMA if sign == "," else _POINT
    found = np.empty(len(column.texts))
    for row, text in enumerate(map(plain, column.texts)):
        if is_missing(text):
            found[row] = np.nan
            continue
        if not pattern.fullmatch(text):
            raise _no_number(column, row)
        found[row] = float(text.replace(",", "."))
        if not np.isfinite(found[row]):
            raise column.error(row, f"holds {short(text)}, too large for float64.")
        # Up to 15 digits are exact.
        if len(text) > 15 and _WHOLE.fullmatch(text) and int(found[row]) != int(text):
            raise column.error(
                row,
                f"holds {text}, which float64 would round; subtract a constant from the column, or "
                "divide it.",
            )
    return found


def _no_number(column: Column, row: int) -> UserError:
    text = column.texts[row]
    if looks_like_number(text):
        return column.error(
            row,
            f"holds {short(text)!r}; write the number without thousands separators, currency and "
            "per cent.",
        )
    return column.error(
        row, f"holds {short(text)!r}, no number; correct it, or leave the line or the column out."
    )


def short(text: str) -> str:
    """For a sentence."""
    return text if len(text) <= 40 else f"{text[:40]}…"


def is_code(text: str) -> bool:
    """Digits of which a zero comes first: 007 is another code than 7."""
    return bool(re.fullmatch(r"[+-]?0\d+", plain(text), re.ASCII))


def whole_numbers(texts: Sequence[str]) -> np.ndarray | None:
    """Whole numbers exactly; ``None`` where one is a code, or has 19 digits or more."""
    if any(is_code(text) or len(text) > 18 for text in texts):
        return None
    return np.array([int(plain(text)) for text in texts], np.int64)
