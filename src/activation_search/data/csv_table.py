"""A table in a text file: numbers by which one column is told.

    python train.py model=mlp data=csv data.path=houses.csv data.target=price

The first line names the columns; commas, semicolons or tabs part them. The target may hold words.
A fifth of the rows is the test part, the same for every seed, with the same share of each class.
"""

import csv
import io
from pathlib import Path

import numpy as np

from activation_search.data.config import CSVConfig
from activation_search.data.files import given_path
from activation_search.data.labels import Labels, read_targets
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, TEST_SHARE, Source
from activation_search.errors import UserError, unknown

FEWEST_ROWS = 10
MOST_LABELS = 20


def load(config: CSVConfig) -> Source:
    """The table as vectors and targets.

    Raises:
        UserError: a file that is no such table; one sentence with line and column.
    """
    path = given_path("data.path", config.path, "my.csv")
    header, lines, rows = _read(path)
    if not config.target:
        raise UserError(f"data=csv needs data.target=<column>; {path} has {', '.join(header)}.")
    if config.target not in header:
        raise unknown(f"data.target of {path}", config.target, header)
    if len(header) < 2:
        raise UserError(f"{path} has no column beside {config.target}.")
    columns = dict(zip(header, zip(*rows, strict=True), strict=True))
    target_column = columns.pop(config.target)
    x = np.stack([_numbers(path, name, lines, texts) for name, texts in columns.items()], 1)
    y = _target(path, config.target, lines, target_column)
    where = f"{path}: column {config.target}"
    target, read = read_targets({"train": Labels(where, y, len(x))}, config.target_kind)
    train, test = _split(where, read["train"], target)
    return Source(
        x[train],
        read["train"][train],
        x[test],
        read["train"][test],
        Sample("vector", (x.shape[1],)),
        target,
        origin={"file": str(path)},
    )


def _read(path: Path) -> tuple[list[str], list[int], list[list[str]]]:
    """Names of the columns, and the number and the fields of each further line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text: {error}.") from error
    text = text.lstrip("\r\n")
    if not text.strip():
        raise UserError(f"{path} is empty; its first line must name the columns.")
    delimiter = max(",;\t", key=text.splitlines()[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        numbered = [(reader.line_num, row) for row in reader if row]
    except csv.Error as error:
        raise UserError(f"{path}, line {reader.line_num}: {error}.") from error
    header = [name.strip() for name in numbered[0][1]]
    if values := [name for name in header if _is_number(name)]:
        raise UserError(f"{path}: its first line must name the columns, but holds {values[0]}.")
    lines, rows = [n for n, _ in numbered[1:]], [row for _, row in numbered[1:]]
    if twice := [name for name in header if header.count(name) > 1]:
        raise UserError(f"{path} has two columns named {twice[0]!r}.")
    for number, row in zip(lines, rows, strict=True):
        if len(row) != len(header):
            raise UserError(f"{path}, line {number}: {len(row)} values for {len(header)} columns.")
    if len(rows) < FEWEST_ROWS:
        raise UserError(f"{path} has {len(rows)} rows; {FEWEST_ROWS} are the least.")
    return header, lines, rows


def _numbers(path: Path, column: str, lines: list[int], texts: tuple[str, ...]) -> np.ndarray:
    found = np.empty(len(texts), np.float32)
    for i, (line, text) in enumerate(zip(lines, texts, strict=True)):
        try:
            found[i] = float(text)
        except ValueError:
            what = f"{text.strip()!r}, no number" if text.strip() else "nothing"
            raise UserError(
                f"{path}, line {line}: column {column} holds {what}; fill it in, leave the line or "
                "the column out, or write words as numbers."
            ) from None
        if not np.isfinite(found[i]):
            raise UserError(f"{path}, line {line}: column {column} holds {text.strip()}.")
    return found


def _target(path: Path, column: str, lines: list[int], texts: tuple[str, ...]) -> np.ndarray:
    """Words where the first row holds one; whole numbers as such."""
    for line, text in zip(lines, texts, strict=True):
        if not text.strip():
            raise UserError(f"{path}, line {line}: column {column} holds nothing.")
    if not _is_number(texts[0]):
        return np.array([text.strip() for text in texts])
    numbers = _numbers(path, column, lines, texts)
    whole = all(text.strip().lstrip("+-").isdigit() for text in texts)
    # Many different whole numbers are amounts, not labels.
    few = len(np.unique(numbers)) <= min(MOST_LABELS, len(numbers) // 2)
    return numbers.astype(np.int64) if whole and few else numbers


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


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
