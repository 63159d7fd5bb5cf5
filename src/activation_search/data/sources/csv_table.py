"""A table in a file: rows of numbers and words by which one column is predicted.

    python train.py model=mlp data=csv data.path=houses.csv data.target=price

The first line names the columns; commas, semicolons, tabs or bars part them, and where commas do
not, they may be the decimal sign. A Parquet file is read by pyarrow. Numbers may be missing, and
words are one-hot, see ``docs/tables.md``. A column that only counts or names the rows is no input.
A fifth of the rows is the test part, the same for every seed, with the same share of each class.
"""

from collections.abc import Iterator, Sequence

import numpy as np

from activation_search.config.data import CSVConfig
from activation_search.data.column import Column
from activation_search.data.delimited import Table, read_table
from activation_search.data.draw import draw_parts
from activation_search.data.encoding import InputColumn
from activation_search.data.files import given_file
from activation_search.data.frames import PARQUET, read_parquet
from activation_search.data.kinds import kind_of
from activation_search.data.labels import Labels, read_targets
from activation_search.data.numerals import (
    MISSING,
    decimal_sign,
    is_code,
    is_missing,
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
MIN_GROUPS = 3
MAX_LABELS = 20
MAX_SHOWN = 20
# How programs head a column of row numbers that they write beside the data.
INDEX_NAMES = {"unnamed: 0", "index", "id", "rownames"}


def load(config: CSVConfig) -> Source:
    """The table as vectors and targets, all numbers in float64; NaN for missing ones.

    Raises:
        UserError: a file that is no such table; one sentence with line and column.
    """
    path = given_file("data.path", config.path, "my.csv")
    is_parquet = path.suffix.lower() in PARQUET
    table = (
        read_parquet(path, {*config.drop} - {config.group})
        if is_parquet
        else read_table(path, config.target)
    )
    target_column, given = _roles(table, config)
    _check_target(target_column, config.target_kind)
    candidates = list(_candidates(table, given, config))
    kinds = {column.name: kind_of(column) for column in candidates}
    numeric = [column for column in candidates if kinds[column.name] == "numbers"]
    if all(map(is_number, target_column.texts)):
        numeric.append(target_column)
    sign = decimal_sign(numeric, table.separator)

    where = f"{path}: column {config.target}"
    answers = _target(target_column, sign, config.target_kind)
    labels = Labels(where, answers, len(answers))
    target, read = read_targets({"train": labels}, config.target_kind)
    y = read["train"]
    groups = _groups(table.columns[config.group]) if config.group else None
    train, test = _split(where, y, target, groups, config)

    encoded = {}
    for column in candidates:
        made = InputColumn.of(column, kinds[column.name], train, config.categories)
        encoded[made] = made.encode(column, sign)
    used = _used(encoded, config)
    if not used:
        raise UserError(
            f"{path} has no column beside {config.target} but {_listed([c.name for c in given])}, "
            "which only counts or names the rows; data.index=keep uses it."
        )
    x = np.concatenate(list(used.values()), 1)
    return Source(
        x[train],
        y[train],
        x[test],
        y[test],
        Sample("vector", (x.shape[1],)),
        target,
        origin={"file": str(path), **_record(given, list(used), groups, config)},
        columns=tuple(used),
        groups=None if groups is None else groups[train],
        stratify=config.stratify,
    )


def _roles(table: Table, config: CSVConfig) -> tuple[Column, list[Column]]:
    """The target, and the columns that are left for inputs."""
    path, columns = table.path, table.columns
    if not config.target:
        raise UserError(
            f"data=csv needs data.target=<column>; {path} has {_listed(list(columns))}."
        )
    if config.target not in columns:
        raise unknown(f"data.target of {path}", config.target, columns)
    others = [name for name in columns if name != config.target]
    if config.group is not None and config.group not in others:
        raise unknown(f"data.group of {path}", config.group, others)
    for name in config.drop:
        if name not in others:
            raise unknown(f"data.drop of {path}", name, others)
    target = columns[config.target]
    if (rows := len(target.texts)) < MIN_ROWS:
        raise UserError(f"{path} has {rows} rows; {MIN_ROWS} are the least.")
    apart = {config.group, *config.drop}
    inputs = [columns[name] for name in others if name not in apart]
    if not inputs:
        raise UserError(f"{path} has no column beside {', '.join([config.target, *others])}.")
    return target, inputs


def _candidates(table: Table, columns: Sequence[Column], config: CSVConfig) -> Iterator[Column]:
    """The columns but those that are an index by their header, which may hold words."""
    first = next(iter(table.columns.values()))
    for column in columns:
        if config.index == "keep" or not _is_index(column, column is first):
            yield column


def _used(
    encoded: dict[InputColumn, np.ndarray], config: CSVConfig
) -> dict[InputColumn, np.ndarray]:
    """The columns but those that count the rows, whatever they are called. One that stands alone
    is an input all the same."""
    if config.index == "keep":
        return encoded
    return {
        column: x for column, x in encoded.items() if not (column.is_plain and _counts(x[:, 0]))
    } or encoded


def _record(
    given: Sequence[Column],
    used: Sequence[InputColumn],
    groups: np.ndarray | None,
    config: CSVConfig,
) -> dict[str, str]:
    """What was done to the columns, for the summary."""
    record = {"columns": _listed(list(map(str, used)))}
    if groups is not None:
        record["groups"] = f"{config.group}: {groups.max() + 1} groups, each in one part"
    kept = {column.name for column in used}
    if left_out := [column.name for column in given if column.name not in kept]:
        record["note"] = (
            f"Left out, since it only counts or names the rows: column {_listed(left_out)} "
            "(data.index=keep uses it)."
        )
    return record


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


def _groups(column: Column) -> np.ndarray:
    """The number of each row's group."""
    for row, text in enumerate(column.texts):
        if is_missing(text):
            raise column.error(row, "holds no value; data.group needs the group of each row.")
    names, numbers = np.unique(column.texts, return_inverse=True)
    if len(names) < MIN_GROUPS:
        raise UserError(
            f"{column.where}: column {column.name} has {len(names)} different values; training, "
            "validation and test need a group each."
        )
    return numbers


def _split(
    where: str, y: np.ndarray, target: Target, groups: np.ndarray | None, config: CSVConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of training and test."""
    test = round(TEST_SHARE * len(y))
    if target.kind == "numbers" or not config.stratify:
        return draw_parts(len(y), test, TEST_SEED, groups=groups)
    # Each row counts once, or each group of a class.
    pairs = np.stack([y, np.arange(len(y)) if groups is None else groups], 1)
    counts = np.bincount(np.unique(pairs, axis=0)[:, 0])
    if counts.min() < 2:
        rare = counts.argmin()
        name = target.names[rare] if target.names else rare
        what = "a single row" if groups is None else f"rows of a single {config.group}"
        raise UserError(
            f"{where}: class {name} has {what}; it cannot be in both parts (data.stratify=false "
            "lets a part lack it)."
        )
    if test < len(counts):
        raise UserError(f"{where}: {len(y)} rows are too few for {len(counts)} classes.")
    return draw_parts(len(y), test, TEST_SEED, y, groups)
