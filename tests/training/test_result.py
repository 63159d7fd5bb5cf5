"""result.json."""

import json
import math
from pathlib import Path

import pytest

from activation_search.training.result import RunResult, git_revision, read_result, versions


def test_round_trip(tmp_path: Path) -> None:
    result = RunResult(str(tmp_path), {"seed": 3}, status="finished", metrics={"val_loss": 0.5})
    result.write()
    assert read_result(tmp_path) == result
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_values_that_are_not_finite_become_null(tmp_path: Path) -> None:
    curve = [{"train_loss": math.nan, "val_loss": math.inf, "epoch": 0}]
    RunResult(str(tmp_path), {}, curve=curve).write()
    stored = json.loads((tmp_path / "result.json").read_text())
    assert stored["curve"] == [{"train_loss": None, "val_loss": None, "epoch": 0}]


@pytest.mark.parametrize(
    ("content", "message"), [("{", "Expecting property name"), ('{"colour": 3}', "is not a result")]
)
def test_something_else(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(ValueError, match=message):
        read_result(tmp_path)


def test_versions_and_revision() -> None:
    assert {"python", "torch", "lightning", "numpy", "activation-search"} <= set(versions())
    assert git_revision() is None or len(git_revision() or "") >= 7
