"""Frames and Parquet files as texts that lose nothing."""

import builtins
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from activation_search.data.frames import frame_columns, read_parquet
from activation_search.errors import UserError

FRAME = pd.DataFrame(
    {
        "real": [0.1, np.nan, 1e-300],
        "single": np.array([0.1, 2, 3], np.float32),
        "whole": pd.array([2**60, None, -1], "Int64"),
        "truth": [True, False, None],
        "word": pd.Categorical([" red ", "blue", None]),
        "day": [date(2024, 1, 31), None, date(2024, 2, 1)],
    }
)


def test_texts() -> None:
    names = list(FRAME.columns)
    found = frame_columns(FRAME, "x", names)
    assert {name: found[name].texts for name in names} == {
        "real": ["0.1", "", "1e-300"],
        "single": ["0.10000000149011612", "2.0", "3.0"],
        "whole": ["1152921504606846976", "", "-1"],
        "truth": ["True", "False", ""],
        "word": ["red", "blue", ""],
        "day": ["2024-01-31", "", "2024-02-01"],
    }
    assert str(found["real"].error(1, "holds nothing.")) == "x, row 2: column real holds nothing."


def test_parquet(tmp_path: Path) -> None:
    FRAME.to_parquet(tmp_path / "my.parquet")
    table = read_parquet(tmp_path / "my.parquet")
    expected = frame_columns(FRAME, "x", list(FRAME.columns))
    for name, column in table.columns.items():
        assert column.texts == expected[name].texts


def test_a_sentence_for_each_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "my.parquet").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"my\.parquet cannot be read as Parquet: .*\.$"):
        read_parquet(tmp_path / "my.parquet")
    lists = pd.DataFrame({"a": [[1, 2], [3]]})
    with pytest.raises(UserError) as refused:
        frame_columns(lists, "x", ["a"])
    assert str(refused.value) == (
        "x: column a holds values of type list; leave it out by data.drop=[a], or write numbers or "
        "words."
    )


def test_without_pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *rest: Any, **more: Any) -> Any:
        if name == "pyarrow":
            raise ImportError(name)
        return found(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError) as refused:
        read_parquet(tmp_path / "my.parquet")
    assert str(refused.value) == (
        f"{tmp_path}/my.parquet needs pyarrow: pip install -e '.[parquet]'."
    )


def test_parquet_of_other_programs(tmp_path: Path) -> None:
    """Without pandas' own notes: whole numbers beside a gap, and columns of lists."""
    path = tmp_path / "my.parquet"
    numbers = [9007199254740993, None, -1]
    pq.write_table(pa.table({"a": pa.array(numbers, pa.int64()), "tags": [[1], [2, 3], []]}), path)
    columns = read_parquet(path, drop=["tags"]).columns
    assert columns["a"].texts == ["9007199254740993", "", "-1"]
    assert list(columns) == ["a", "tags"]
    with pytest.raises(UserError, match=r"column tags holds values of type .* data.drop=\[tags\]"):
        read_parquet(path)


def test_a_named_index_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "my.parquet"
    frame = pd.DataFrame({"patient": ["p", "q"], "a": [1.5, 2.5]})
    frame.set_index("patient").to_parquet(path)
    assert read_parquet(path).columns["patient"].texts == ["p", "q"]
    frame.set_index(pd.Index([7, 9])).to_parquet(path)
    assert list(read_parquet(path).columns) == ["patient", "a"]


@pytest.mark.parametrize(
    ("words", "values", "texts"),
    [
        (["FALSE", "TRUE", "unknown"], [True, False], ["TRUE", "FALSE"]),
        (["38", "40", "S"], [38.0, np.nan, 41.0], ["38", "", "41.0"]),
        (["1.1", "2.0-b"], [1.1], ["1.1"]),
        (["True", "TRUE"], ["TRUE", "True"], ["TRUE", "True"]),
        (["A", "\u22125"], [38.0, -5.0], ["38.0", "\u22125"]),
        (["9007199254740992", "9007199254740993"], [9007199254740993], ["9007199254740993"]),
        (["1", "01"], [1], ["1"]),
    ],
)
def test_words_that_a_program_made_numbers_of(words: list, values: list, texts: list) -> None:
    found = frame_columns(pd.DataFrame({"a": values}), "x", ["a"], {"a": words})
    assert found["a"].texts == texts


def test_a_number_that_may_be_two_words() -> None:
    with pytest.raises(UserError, match=r"column a holds the number 1\.1, which may be 1\.10 or 1"):
        frame_columns(pd.DataFrame({"a": [1.1]}), "x", ["a"], {"a": ["1.10", "1.1"]})
