"""Frames and Parquet files as texts that lose nothing."""

import builtins
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
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
