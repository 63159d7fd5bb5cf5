"""Every command of the README is run: here, or by ``.ci/run``."""

import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig

from ..files import write_files
from .conftest import ROOT, Command

README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
COMMANDS = [line for language, text in BLOCKS if language == "bash" for line in text.splitlines()]
TRAIN = [line for line in COMMANDS if line.startswith("python train.py")]
SWEEP = [line for line in COMMANDS if line.startswith("python scripts/sweep.py")]
CATALOGUE = [line for line in COMMANDS if line.startswith("python scripts/catalogue.py")]
HEALTH = [line for line in COMMANDS if line.startswith("python scripts/health.py")]
DATA = [line for line in COMMANDS if line.startswith("python scripts/data.py")]
COMPARE = [line for line in COMMANDS if line.startswith("python scripts/compare.py")]
SITES = [line for line in COMMANDS if line.startswith("python scripts/sites.py")]
INLINE = re.findall(r"`(python [^`]+)`", README)
# They take minutes; tests/cli/test_benchmark.py runs them in small.
BENCHMARK = [f"python benchmarks/{name}.py" for name in ("steps", "readings", "images", "trials")]


def test_every_command_is_accounted_for() -> None:
    installs = [line for line in COMMANDS if line.startswith("pip install")]
    assert len(installs) == 2
    ci = (ROOT / ".ci" / "run").read_text().splitlines()
    assert set(installs) <= set(ci)
    # tests/cli/test_tensorboard.py starts the viewer.
    viewer = [line for line in COMMANDS if line.startswith("tensorboard --logdir logs")]
    known = [*installs, *TRAIN, *SWEEP, *CATALOGUE, *HEALTH, *DATA, *COMPARE, *SITES, *viewer]
    assert [line for line in COMMANDS if line not in known] == []
    assert set(INLINE) - set(BENCHMARK) == {
        "python train.py -m experiment=mnist1d_cnn seed=0,1,2",
        "python train.py model=mlp data=xor activation=identity",
        "python scripts/data.py",
        "python scripts/sites.py model=lstm",
        "python scripts/sweep.py",
        "python scripts/sweep.py --help",
    }


@pytest.fixture
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the README's own function in it, and with the user's data that it names."""
    [own] = [text for language, text in BLOCKS if language == "python" and "def wave" in text]
    (tmp_path / "my_activations.py").write_text(own)
    write_files(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "novel.txt").write_text(
        "It was the best of times, it was the worst of times.\n" * 80
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@pytest.mark.parametrize("line", [*TRAIN, *(c for c in INLINE if "train.py" in c)])
def test_training_commands(line: str, command: Command, working_directory: Path) -> None:
    _, script, *arguments = shlex.split(line, comments=True)
    quick = ["trainer.fast_dev_run=true", "trainer.progress=false", "trainer.accelerator=cpu"]
    assert command(script, *arguments, *(q for q in quick if q not in arguments)) == 0
    assert list(working_directory.glob("logs/debug/*/*/result.json"))


@pytest.mark.parametrize("line", CATALOGUE)
def test_catalogue_commands(line: str, command: Command, working_directory: Path) -> None:
    _, script, *arguments = shlex.split(line, comments=True)
    assert command(script, *arguments) == 0
    drawn = (working_directory / "logs" / "catalogue.png").exists()
    assert drawn == ("advise" not in arguments)


@pytest.mark.parametrize("line", [*DATA, *(c for c in INLINE if "scripts/data.py" in c)])
def test_data_commands(line: str, command: Command, working_directory: Path) -> None:
    _, script, *arguments = shlex.split(line, comments=True)
    assert command(script, *arguments) == 0


@pytest.mark.parametrize("line", [*SITES, *(c for c in INLINE if "scripts/sites.py" in c)])
def test_sites_commands(line: str, command: Command, working_directory: Path) -> None:
    _, script, *arguments = shlex.split(line, comments=True)
    assert command(script, *arguments) == 0


@pytest.mark.parametrize("line", HEALTH)
def test_health_commands(line: str, command: Command, working_directory: Path) -> None:
    _, script, *arguments = shlex.split(line, comments=True)
    assert command(script, *arguments) == 0
    assert list(working_directory.glob("logs/health/*.png"))


@pytest.mark.parametrize("line", SWEEP)
def test_sweep_commands(
    line: str, command: Command, working_directory: Path, here: None, trained: list[TrainConfig]
) -> None:
    """In small: a small model, few trials, one epoch, in one process."""
    _, script, *arguments = shlex.split(line, comments=True)
    kept = [a for a in arguments if not a.startswith("trials=")]
    quick = ["data=digits", "model.width=16", "trainer.max_epochs=1", "trials=2"]
    quick += ["confirm_seeds=2"]
    assert command(script, *kept, *quick, "trainer.accelerator=cpu") == 0
    assert list(working_directory.glob("logs/sweeps/*/trials.csv"))


@pytest.mark.parametrize("line", COMPARE)
def test_compare_commands(
    line: str, command: Command, working_directory: Path, trained: list[TrainConfig]
) -> None:
    """In small: few seeds, one epoch, in one process."""
    _, script, *arguments = shlex.split(line, comments=True)
    kept = [a for a in arguments if not a.startswith("seeds=")]
    quick = ["data=digits", "trainer.max_epochs=1", "seeds=2", "lr_grid=[1e-3,1e-2]"]
    assert command(script, *kept, *quick, "trainer.accelerator=cpu") == 0
    assert list(working_directory.glob("logs/compare/*/report.html"))
