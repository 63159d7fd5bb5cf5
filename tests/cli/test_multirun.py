"""``python train.py -m``: what sweepers get, launchers of other processes, and the ranked table."""

import csv
import math
from pathlib import Path
from typing import Any

import pytest
from hydra.core.plugins import Plugins
from hydra.plugins.sweeper import Sweeper

from activation_search.config.hydra_main import Outcome
from activation_search.training.result import read_result

from .conftest import Command

SMALL = ["model=mlp", "data=digits", "model.width=16", "tensorboard.enabled=false"]


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What a sweeper gets from each job."""
    got: list[float] = []
    [basic] = [c for c in Plugins.instance().discover(Sweeper) if c.__name__ == "BasicSweeper"]
    sweep = basic.sweep

    def noted(self: Sweeper, arguments: list[str]) -> Any:
        batches = sweep(self, arguments)
        got.extend(job.return_value for batch in batches for job in batch)
        return batches

    monkeypatch.setattr(basic, "sweep", noted)
    return got


def test_sweepers_get_the_validation_metric(
    train: Command, tmp_path: Path, values: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    sgd = ["optim.optimizer=sgd", "optim.schedule=constant", "activation=identity"]
    assert train("-m", *SMALL, *sgd, "optim.lr=0.01,1e9,-1", "seed=0,1") == 2
    results = [read_result(path.parent) for path in tmp_path.glob("multirun/*/*/*/result.json")]
    finished = sorted((r.seed, r.metrics["val_accuracy"]) for r in results if not r.reason)
    assert len(results) == 4
    assert values[:2] == [value for _, value in finished]
    assert values[2:4] == [-math.inf, -math.inf]  # diverged
    assert all(math.isnan(value) for value in values[4:])  # refused
    out, err = capsys.readouterr()
    assert "validation accuracy on digits" in out
    assert err.count("Error: optim.lr must be above 0, not -1.") == 2
    assert "Error: job 5 (optim.lr=-1 seed=1): optim.lr must be above 0, not -1." in err
    [folder] = (tmp_path / "multirun").iterdir()
    with (folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["finished", "diverged"]
    assert float(rows[0]["mean"]) == pytest.approx(sum(values[:2]) / 2)
    assert not (folder / ".failed").exists()


def test_errors_are_judged_as_they_are(train: Command, values: list[float]) -> None:
    assert train("-m", *SMALL, "data.reconstruct=true", "trainer.max_steps=2", "seed=0,1") == 0
    assert len(values) == 2
    assert min(values) > 0


def test_without_validation_there_is_nothing_to_judge(train: Command, values: list[float]) -> None:
    assert train("-m", *SMALL, "data.validation=0", "trainer.max_steps=2") == 0
    assert math.isnan(values[0])


@pytest.mark.parametrize("launcher", ["joblib", "submitit_local"])
def test_launchers(
    launcher: str, train: Command, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    workers = ["hydra.launcher.n_jobs=2"] if launcher == "joblib" else []
    words = ["-m", f"hydra/launcher={launcher}", *workers, *SMALL, "trainer.threads=1"]
    assert train(*words, "optim.lr=0.01,-1") == 2
    [path] = tmp_path.glob("multirun/*/*/*/result.json")
    result = read_result(path.parent)
    assert result.status == "finished"
    out, err = capfd.readouterr()
    assert f"{result.metrics['val_accuracy']:.4f}" in out.partition("validation accuracy on")[2]
    assert "Error: job 1 (optim.lr=-1): optim.lr must be above 0, not -1." in err


def test_an_outcome_is_a_success_with_nothing_to_judge() -> None:
    assert Outcome().exit_code == 0
    assert math.isnan(Outcome().value)
