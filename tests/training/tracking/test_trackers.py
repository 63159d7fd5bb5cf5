"""What holds for every tracker: none is imported unless asked, and none costs a run."""

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.training.result import FINISHED, RunResult
from activation_search.training.run import train
from activation_search.training.tracking import trackers as trackers_module
from activation_search.training.tracking.naming import group_of, run_name
from activation_search.training.tracking.trackers import Trackers

Small = Callable[..., TrainConfig]


class Failing:
    """A tracker whose server is gone after the first epoch."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def epoch(self, curve: list[dict[str, float]]) -> None:
        self.calls.append("epoch")
        if len(curve) > 1:
            raise ConnectionError("no route\nto the server")

    def end(self, result: RunResult) -> None:
        self.calls.append("end")


def test_one_that_fails_is_left_out_and_the_run_goes_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing, sound = Failing(), Failing()
    both = Trackers({"tracker=a": failing, "tracker=b": sound})
    both.epoch([{"epoch": 0}])
    sound.epoch = lambda curve: sound.calls.append("epoch")  # type: ignore[method-assign]
    both.epoch([{"epoch": 0}, {"epoch": 1}])
    both.end(RunResult("x", {}))
    assert failing.calls == ["epoch", "epoch"]
    assert sound.calls == ["epoch", "epoch", "end"]
    note = "Note: tracker=a follows this run no longer: ConnectionError: no route\n"
    assert capsys.readouterr().err == note


@pytest.mark.parametrize("name", ["mlflow", "wandb"])
def test_a_missing_package_is_a_sentence(
    name: str, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trackers_module, "find_spec", lambda package: None)
    with pytest.raises(UserError, match=f"tracker={name} needs a package: pip install {name}"):
        train(small(f"tracker={name}"))
    assert not list(tmp_path.iterdir())


def test_one_that_cannot_begin_leaves_nothing_behind(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(directory: Path) -> None:
        raise UserError("no login")

    monkeypatch.setattr(trackers_module, "CurveCSV", refuse)
    with pytest.raises(UserError, match="no login"):
        train(small("tracker=csv"))
    assert not list(tmp_path.glob("**/*.*"))


def test_a_run_that_breaks_is_ended_too(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = Failing()
    monkeypatch.setattr(trackers_module, "CurveCSV", lambda directory: kept)
    result = train(small("tracker=csv", "trainer.max_epochs=1"))
    assert result.status == FINISHED
    assert kept.calls == ["epoch", "end"]

    def interrupt(row: dict[str, float]) -> bool:
        raise KeyboardInterrupt

    kept.calls.clear()
    with pytest.raises(KeyboardInterrupt):
        train(small("tracker=csv", "trainer.max_epochs=1"), interrupt)
    assert kept.calls == ["epoch", "end"]


def test_nothing_is_imported_unless_asked(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    package = "activation_search.training.tracking"
    names = ["wandb", "mlflow", f"{package}.wandb_run", f"{package}.mlflow_run"]
    for name in names:
        monkeypatch.delitem(sys.modules, name, raising=False)
    train(small("tracker=csv", "trainer.max_epochs=1"))
    assert [name for name in names if name in sys.modules] == []


def test_what_a_run_belongs_to(small: Small) -> None:
    groups = ["train", "sweeps/s/runs", "sweeps/s/confirm", "compare/c/runs", "multirun/1"]
    config = small()
    found = [group_of(replace(config, group=group)) for group in groups]
    assert found == ["train", "sweeps/s", "sweeps/s/confirm", "compare/c", "multirun/1"]
    assert run_name(Path("logs/train/cnn-relu/2026")) == "cnn-relu/2026"
