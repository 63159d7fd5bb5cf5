"""The picture of a run's readings over time."""

from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.reports.run_health import draw_run_health, read_run_health
from activation_search.training.run import train

from ..command import Command

pytestmark = pytest.mark.paints


def test_runs_side_by_side(
    small: Callable[..., TrainConfig],
    command: Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    quick = ["tensorboard.every_n_steps=6", "trainer.max_epochs=1"]
    folders = [train(small(f"activation={name}", *quick)).directory for name in ("relu", "tanh")]
    sick, well = (read_run_health(Path(folder)) for folder in folders)
    assert list(sick.gradients) == ["hidden1", "hidden2", "head"]
    assert list(well.dead) == ["hidden1", "hidden2"]
    assert list(sick.gradients["head"])[:2] == [0, 6]
    figure = draw_run_health([sick, well])
    assert [axes.get_title(loc="left").split(",")[0] for axes in figure.axes[:2]] == [
        "relu",
        "tanh",
    ]
    assert [len(axes.lines) for axes in figure.axes] == [3, 3, 2, 2]
    assert command("scripts/report.py", *folders) == 0
    assert Path(capsys.readouterr().out.strip()) == Path(folders[1]) / "health.png"
    assert command("scripts/report.py", folders[0], str(tmp_path)) == 2
    assert "holds no run that can be read" in capsys.readouterr().err


def test_a_run_without_readings(
    small: Callable[..., TrainConfig], command: Command, capsys
) -> None:
    run = train(small("health.enabled=false", "trainer.max_epochs=1"))
    assert command("scripts/report.py", run.directory) == 2
    assert "has no readings; health.enabled=true writes them" in capsys.readouterr().err
