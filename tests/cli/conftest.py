"""Entry scripts as functions: the same code path as the command line, without a process."""

from pathlib import Path

import pytest

from ..command import ROOT as ROOT
from ..command import Command as Command


@pytest.fixture
def train(command: Command, tmp_path: Path) -> Command:
    """``train("activation=gelu")``, quick and below the test's own folder."""

    def run(*overrides: str) -> int:
        quick = ["trainer.max_epochs=1", "trainer.progress=false", "trainer.accelerator=cpu"]
        logs = [] if any(o.startswith("logs=") for o in overrides) else [f"logs={tmp_path}"]
        return command("train.py", *overrides, *quick, *logs)

    return run
