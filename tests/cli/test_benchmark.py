"""The benchmarks in small."""

from collections.abc import Iterator

import pytest
import torch

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig

from .conftest import ROOT, Command


@pytest.fixture(autouse=True)
def beside_the_script(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Python puts a script's own folder on the path; threads are set for its process."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_one_model(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--models", "mlp", "--rounds", "1", "--epochs", "1", "--threads", "1"]
    assert command("benchmarks/steps.py", *arguments) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "digits" in line)
    numbers = [float(cell) for cell in row.split("│")[3:-1]]
    assert len(numbers) == 5
    assert all(number > 0 for number in numbers)


def test_no_rounds(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("benchmarks/steps.py", "--rounds", "0") == 2
    assert "must be at least 1, not 0" in capsys.readouterr().err


def test_unknown_model(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("benchmarks/steps.py", "--models", "mpl") == 2
    assert "Unknown model 'mpl', did you mean 'mlp'? allowed: mlp, cnn" in capsys.readouterr().err


def test_images(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--count", "2000", "--rounds", "1", "--threads", "1"]
    assert command("benchmarks/images.py", *arguments) == 0
    out = capsys.readouterr().out
    assert "seconds per epoch of 1,600 images" in out
    row = next(line for line in out.splitlines() if "28x28 bytes" in line)
    numbers = [float(cell) for cell in row.split("│")[3:-1]]
    assert len(numbers) == 5
    assert all(number > 0 for number in numbers[3:])


def test_health(
    command: Command, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(overrides: list[str]) -> TrainConfig:
        return compose([*overrides, "trainer.max_epochs=2"])

    monkeypatch.setattr("activation_search.config.compose.compose", short)
    arguments = ["--models", "mlp", "--rounds", "1", "--threads", "1"]
    assert command("benchmarks/readings.py", *arguments) == 0
    row = next(line for line in capsys.readouterr().out.splitlines() if "mlp" in line)
    numbers = [float(cell) for cell in row.split("│")[2:-1]]
    assert len(numbers) == 4
    assert all(number > 0 for number in numbers)
