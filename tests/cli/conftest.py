"""The entry scripts as functions: the same code path as the command line, without a process."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

Command = Callable[..., int]


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """``command("train.py", "activation=gelu")`` gives the exit code."""

    def run(script: str, *arguments: str) -> int:
        path = str(ROOT / script)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        with pytest.raises(SystemExit) as exit:
            runpy.run_path(path, run_name="__main__")
        assert isinstance(exit.value.code, int)
        return exit.value.code

    return run


@pytest.fixture
def train(command: Command, tmp_path: Path) -> Command:
    """``train("activation=gelu")``, quick and below the test's own folder."""

    def run(*overrides: str) -> int:
        quick = ["trainer.max_epochs=1", "trainer.progress=false", "trainer.accelerator=cpu"]
        logs = [] if any(o.startswith("logs=") for o in overrides) else [f"logs={tmp_path}"]
        return command("train.py", *overrides, *quick, *logs)

    return run
