"""A text file of rows and columns as texts: its separator, its header, its lines."""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from activation_search.data.column import Column
from activation_search.data.numerals import is_number, is_whole
from activation_search.errors import UserError

if TYPE_CHECKING:
    import _csv

# Of two that fit equally well the earlier one: commas stand in texts and numbers as well.
SEPARATORS = "\t;|,"
SNIFFED_CHARACTERS = 1 << 16
SNIFFED_ROWS = 20


@dataclass(frozen=True)
class Table:
    """separator: one of ``SEPARATORS``, or as the first line gives it. columns: by their names."""

    path: Path
    separator: str
    columns: dict[str, Column]


def read_table(path: Path, target: str | None) -> Table:
    """The table in a file: UTF-8, with or without a byte-order mark.

    1. The separator is the one that parts the first rows evenly, outside quotation marks; a first
       line ``sep=;``, as Excel writes it, decides.
    2. The first line names the columns, unless all of it is numbers: then only if ``target`` is one
       of them, as years may be.
    3. Blank lines, and separators that end a line, count for nothing.

    Args:
        path: of the file.
        target: a name that the header is expected to hold.

    Raises:
        UserError: a file that is no such table.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text in UTF-8: {error}.") from error
    separator, skipped = None, 0
    if given := re.match(r"""["']?sep=([^\w\s"'.]|\t)["']?[ \t]*(\r\n|\n|\r)""", text):
        separator, skipped, text = given[1], 1, text[given.end() :]
    separator = separator or _separator(text, target)
    lines, rows = [], []
    reader = _reader(text, separator, strict=True)
    try:
        for row in reader:
            fields = [field.strip() for field in row]
            if any(fields):
                lines.append(reader.line_num + skipped)
                rows.append(fields)
    except csv.Error as error:
        reason = "a quotation mark is not closed" if "end of data" in str(error) else error
        raise UserError(f"{path}, line {reader.line_num + skipped}: {reason}.") from error
    if not rows:
        raise UserError(f"{path} is empty; its first line must name the columns.")
    header = _without_empty_end(rows.pop(0))
    lines.pop(0)
    _check_header(path, header, target)
    for i, row in enumerate(rows):
        if any(row[len(header) :]) or len(row) < len(header):
            raise UserError(f"{path}, line {lines[i]}: {len(_without_empty_end(row, len(header)))} "
                            f"values for {len(header)} columns.")  # fmt: skip
    names = [name or f"number {i}" for i, name in enumerate(header, 1)]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{path} has two columns named {twice[0]!r}.")
    columns = {
        name: Column(str(path), name, bool(header[i]), lines, [row[i] for row in rows])
        for i, name in enumerate(names)
    }
    return Table(path, separator, columns)


def _reader(text: str, separator: str, strict: bool) -> "_csv.Reader":
    """Quotation marks that are not closed would swallow the rest of the file, if not ``strict``."""
    opened = io.StringIO(text, newline="")
    return csv.reader(opened, delimiter=separator, skipinitialspace=True, strict=strict)


def _separator(text: str, target: str | None) -> str:
    """The one whose header holds the target, by which most rows are as wide as the header, and
    that gives the most columns."""
    best, most = ",", (False, 0, 1)
    for separator in SEPARATORS:
        rows = list(islice(_rows(text[:SNIFFED_CHARACTERS], separator), SNIFFED_ROWS))
        if rows and len(rows[0]) > 1:
            header = [name.strip() for name in rows[0]]
            even = sum(len(row) == len(header) for row in rows)
            if (fit := (target in header, even, len(header))) > most:
                best, most = separator, fit
    return best


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in _reader(text, separator, strict=False) if any(row))
    except csv.Error:
        return  # reported by the reader of all rows


def _without_empty_end(fields: list[str], least: int = 0) -> list[str]:
    while len(fields) > least and not fields[-1]:
        fields = fields[:-1]
    return fields


def _check_header(path: Path, header: list[str], target: str | None) -> None:
    given = [name for name in header if name]
    numbers = [name for name in given if is_number(name)]
    named = target in header and all(is_whole(name) for name in numbers)
    if target is not None and len(numbers) == len(given) and not named:
        raise UserError(f"{path}: its first line must name the columns, but holds {numbers[0]}.")
