"""A table in a text file: numbers by which one column is predicted.

    python train.py model=mlp data=csv data.path=houses.csv data.target=price

The first line names the columns; commas, semicolons, tabs or bars part them, and where commas do
not, they may be the decimal sign. The target may hold words. A column that only counts or names the
rows is no input. A fifth of the rows is the test part, the same for every seed, with the same share
of each class.
"""

from collections.abc import Sequence

import numpy as np

from activation_search.config.data import CSVConfig
from activation_search.data.column import Column
from activation_search.data.delimited import read_table
from activation_search.data.files import given_file
from activation_search.data.labels import Labels, read_targets
from activation_search.data.numerals import (
    MISSING,
    decimal_sign,
    is_code,
    is_no_value,
    is_number,
    is_whole,
    looks_like_number,
    to_numbers,
    whole_numbers,
)
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, TEST_SHARE, Source
from activation_search.errors import UserError, unknown

MIN_ROWS = 10
MAX_LABELS = 20
MAX_SHOWN = 20
# How programs head a column of row numbers that they write beside the data.
INDEX_NAMES = {"unnamed: 0", "index", "id", "rownames"}


def load(config: CSVConfig) -> Source:
    """The table as vectors and targets, all numbers in float64.

    Raises:
        UserError: a file that is no such table; one sentence with line and column.
    """
    path = given_file("data.path", config.path, "my.csv")
    table = read_table(path, config.target)
    columns = dict(table.columns)
    if not config.target:
        raise UserError(
            f"data=csv needs data.target=<column>; {path} has {_listed(list(columns))}."
        )
    if config.target not in columns:
        raise unknown(f"data.target of {path}", config.target, columns)
    target_column = columns.pop(config.target)
    if not columns:
        raise UserError(f"{path} has no column beside {config.target}.")
    if (rows := len(target_column.texts)) < MIN_ROWS:
        raise UserError(f"{path} has {rows} rows; {MIN_ROWS} are the least.")
    inputs = _candidates(list(columns.values()), config)
    _check_target(target_column, config.target_kind)
    numeric = all(map(is_number, target_column.texts))
    sign = decimal_sign([*inputs, *([target_column] if numeric else [])], table.separator)
    used = _used({column.name: to_numbers(column, sign) for column in inputs}, config)
    left_out = [name for name in columns if name not in used]
    if not used:
        raise UserError(
            f"{path} has no column beside {config.target} but {_listed(left_out)}, which only "
            "counts or names the rows; data.index=keep uses it."
        )
    x = np.stack(list(used.values()), 1)
    y = _target(target_column, sign, config.target_kind)
    where = f"{path}: column {config.target}"
    target, read = read_targets({"train": Labels(where, y, rows)}, config.target_kind)
    train, test = _split(where, read["train"], target)
    origin = {"file": str(path), "columns": _listed(list(used))}
    if left_out:
        origin["note"] = (
            f"Left out, since it only counts or names the rows: column {_listed(left_out)} "
            "(data.index=keep uses it)."
        )
    return Source(
        x[train],
        read["train"][train],
        x[test],
        read["train"][test],
        Sample("vector", (x.shape[1],)),
        target,
        origin=origin,
    )


def _candidates(columns: Sequence[Column], config: CSVConfig) -> list[Column]:
    """The columns but those that are an index by their header, which may hold words."""
    if config.index == "keep":
        return list(columns)
    return [c for c in columns if not _is_index(c, first=c is columns[0])]


def _used(numbers: dict[str, np.ndarray], config: CSVConfig) -> dict[str, np.ndarray]:
    """The columns but those that count the rows, whatever they are called. One that stands alone
    is an input all the same."""
    if config.index == "keep":
        return numbers
    return {name: n for name, n in numbers.items() if not _counts(n)} or numbers


def _is_index(column: Column, first: bool) -> bool:
    """A column headed as an index, whose whole numbers are all different; one without any name that
    stands first may also hold words, as tables of R do."""
    nameless = first and not column.named
    if not nameless and column.name.lower() not in INDEX_NAMES:
        return False
    indices = all(
        is_whole(text) or (nameless and not looks_like_number(text)) for text in column.texts
    )
    return indices and len(set(column.texts)) == len(column.texts)


def _counts(values: np.ndarray) -> bool:
    """Each row's number, from 0 or 1."""
    return any(np.array_equal(values, np.arange(len(values)) + first) for first in (0, 1))


def _listed(names: Sequence[str]) -> str:
    more = f", … ({len(names)} columns)" if len(names) > MAX_SHOWN else ""
    return ", ".join(names[:MAX_SHOWN]) + more


def _check_target(column: Column, target_kind: str) -> None:
    """Refuses gaps, wherever they stand: what the target is follows from all of its rows."""
    words = [t for t in column.texts if not is_no_value(t) and not looks_like_number(t)]
    for row, text in enumerate(column.texts):
        # Beside words, "none" or "-" may be a class, and "NA" if the user says so.
        missing = (
            text.lower() in MISSING and target_kind != "classes" if words else is_no_value(text)
        )
        if missing or not text:
            what = f"{text!r}, a missing value" if text else "nothing"
            hint = "; data.target_kind=classes takes it for a class" if words and text else ""
            raise column.error(row, f"holds {what}; fill it in or leave the line out{hint}.")


def _target(column: Column, sign: str, target_kind: str) -> np.ndarray:
    """Words and codes as texts, labels as whole numbers, other numbers as float64."""
    texts = column.texts
    if target_kind == "numbers":
        return to_numbers(column, sign)
    if all(map(is_whole, texts)):
        # Many different whole numbers are amounts, not labels.
        few = len(set(texts)) <= min(MAX_LABELS, len(texts) // 2)
        if few or target_kind == "classes" or any(map(is_code, texts)):
            whole = whole_numbers(texts)
            return np.array(texts) if whole is None else whole
        return to_numbers(column, sign)
    if all(map(is_number, texts)):
        return to_numbers(column, sign)
    if target_kind == "auto" and all(map(looks_like_number, texts)):
        row = next(i for i, text in enumerate(texts) if not is_number(text))
        raise column.error(
            row,
            f"holds {texts[row]!r}; write numbers without thousands separators, currency and per "
            "cent, or set data.target_kind=classes.",
        )
    return np.array(texts)


def _split(where: str, y: np.ndarray, target: Target) -> tuple[np.ndarray, np.ndarray]:
    """Rows of training and test."""
    from sklearn.model_selection import train_test_split

    by_class = target.kind != "numbers"
    if by_class and (counts := np.bincount(y)).min() < 2:
        rare = counts.argmin()
        name = target.names[rare] if target.names else rare
        raise UserError(f"{where}: class {name} has a single row; it cannot be in both parts.")
    test = round(TEST_SHARE * len(y))
    if by_class and test < len(counts):
        raise UserError(f"{where}: {len(y)} rows are too few for {len(counts)} classes.")
    train, held_out = train_test_split(
        np.arange(len(y)), test_size=test, random_state=TEST_SEED, stratify=y if by_class else None
    )
    return train, held_out
