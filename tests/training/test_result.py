"""result.json."""

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from activation_search.config.run import TrainConfig
from activation_search.engine.runs import find_finished
from activation_search.errors import UserError
from activation_search.training.directory import find_unfinished, open_unfinished
from activation_search.training.result import RunResult, git_revision, read_result, versions


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


FOREIGN = [
    "",
    "{",
    "[]",
    "null",
    "[" * 100_000,
    '{"status": "ok"}',
    '{"directory": "x", "config": {}}',
    '{"directory": "x", "config": {"model": {"name": "resnet"}, "data": {"name": "digits"}}}',
    "\x00\x00",
]


@pytest.mark.parametrize("content", FOREIGN)
def test_foreign_and_damaged_files_are_one_kind_of_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "result.json").write_text(content)
    with pytest.raises(ValueError, match=r"result\.json is not a result of this program"):
        read_result(tmp_path)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"format": 2}, "it has format 2, and this version reads 1"),
        ({"curve": "none"}, "curve is a str"),
        ({"curve": ["none"]}, "a row is a str"),
        ({"learned": {"fc1": [1.0]}}, "a row is a list"),
        ({"epochs": 1.5}, "epochs is a float"),
        ({"metrics": []}, "metrics is a list"),
        ({"reason": 3}, "reason is a int"),
    ],
)
def test_fields_of_another_type(
    tmp_path: Path, small: Callable[..., TrainConfig], change: dict[str, Any], reason: str
) -> None:
    plain = asdict(RunResult("x", small().as_dict())) | change
    (tmp_path / "result.json").write_text(json.dumps(plain))
    with pytest.raises(ValueError, match=reason):
        read_result(tmp_path)


def test_a_result_is_read_back(tmp_path: Path, small: Callable[..., TrainConfig]) -> None:
    moved = tmp_path / "moved"
    moved.mkdir()
    metrics = {"val_loss": 0.5, "val_auroc": math.nan}
    written = RunResult(str(tmp_path), small().as_dict(), metrics=metrics, curve=[metrics])
    written.write()
    (tmp_path / "result.json").rename(moved / "result.json")
    plain = json.loads((moved / "result.json").read_text())
    # Fields that a later version of this format may add have no part.
    (moved / "result.json").write_text(json.dumps(plain | {"humidity": 0.4}))
    read = read_result(moved)
    assert read.directory == str(moved)
    assert read.metrics["val_loss"] == read.curve[0]["val_loss"] == 0.5
    assert math.isnan(read.metrics["val_auroc"])
    assert math.isnan(read.curve[0]["val_auroc"])
    assert read.parsed_config() == small()


def test_a_foreign_file_costs_a_note(
    tmp_path: Path, small: Callable[..., TrainConfig], capsys: pytest.CaptureFixture[str]
) -> None:
    config = small("resume=auto")
    for name, content in enumerate(FOREIGN):
        folder = tmp_path / "train" / config.label / str(name)
        folder.mkdir(parents=True)
        (folder / "result.json").write_text(content)
    for _ in range(2):
        assert find_unfinished(config) is None
        assert find_finished({"a": config}) == {}
    assert capsys.readouterr().err.count("Note: skipped") == len(FOREIGN)
    with pytest.raises(UserError, match=r"resume=.*result\.json is not a result of this program"):
        open_unfinished(str(tmp_path / "train" / config.label / "1"))
