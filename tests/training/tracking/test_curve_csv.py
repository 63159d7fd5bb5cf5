"""The curve as a table."""

import csv
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.training.result import STOPPED
from activation_search.training.run import train
from activation_search.training.tracking.curve_csv import CurveCSV

Small = Callable[..., TrainConfig]


def read(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_line_per_epoch(small: Small) -> None:
    result = train(small("tracker=csv"))
    found = read(Path(result.directory) / "curve.csv")
    assert [{key: float(value) for key, value in row.items()} for row in found] == result.curve
    assert list(found[0])[:4] == ["epoch", "step", "learning_rate", "train_loss"]


def test_a_resumed_run_has_each_epoch_once(small: Small) -> None:
    first = train(small("tracker=csv"))
    replace(first, status=STOPPED).write()
    again = train(small("tracker=csv", "resume=auto"))
    assert again.resumed_after == 2
    assert [row["epoch"] for row in read(Path(first.directory) / "curve.csv")] == ["0", "1"]


def test_a_value_that_an_epoch_does_not_have(tmp_path: Path) -> None:
    CurveCSV(tmp_path).epoch([{"epoch": 0, "val_loss": 0.5}, {"epoch": 1}])
    assert read(tmp_path / "curve.csv") == [
        {"epoch": "0", "val_loss": "0.5"},
        {"epoch": "1", "val_loss": ""},
    ]


def test_nothing_is_written_unless_asked(small: Small) -> None:
    result = train(small("trainer.max_epochs=1"))
    assert not (Path(result.directory) / "curve.csv").exists()


@pytest.mark.parametrize("given", ["[csv,csv]", "[csv]"])
def test_a_list(given: str, small: Small) -> None:
    result = train(small(f"tracker={given}", "trainer.max_epochs=1"))
    assert (Path(result.directory) / "curve.csv").exists()
