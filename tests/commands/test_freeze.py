"""``python scripts/freeze.py``."""

import math
import shlex
import sys
from pathlib import Path

import pytest

from activation_search.commands import freeze
from activation_search.config.compare import CompareConfig
from activation_search.config.compose import compose
from activation_search.errors import UserError
from activation_search.evidence.candidates import parse_candidates
from activation_search.training.result import DIVERGED, FINISHED, RunResult


def test_the_formula_and_the_command_that_compares_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config = compose(["model=mlp", "data=digits", "activation=swish_beta", "optim.lr=0.01"])
    RunResult(
        directory=str(tmp_path),
        config=config.as_dict(),
        status=FINISHED,
        metric="accuracy",
        assignment={"hidden1": "swish_beta"},
        learned={"hidden1": {"beta": [1.0, 1.0]}},
    ).write()
    monkeypatch.setattr(sys, "argv", ["freeze.py", str(tmp_path), "--tries", "400"])
    freeze.run()
    lines = dict(
        line.split(": ", 1) for line in capsys.readouterr().out.splitlines() if ": " in line
    )
    assert lines["torch"].strip().startswith("lambda x: ")
    words = shlex.split(lines["compare it"])
    assert words[:2] == ["python", "scripts/compare.py"]
    comparison = compose(words[2:], CompareConfig)
    assert comparison.optim.lr == 0.01
    labels = list(parse_candidates(comparison.candidates, comparison.as_run()))
    assert labels == ["relu", "swish_beta", f"formula({lines['formula'].strip()})"]


def test_a_run_that_diverged_has_nothing_to_freeze(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = compose(["model=mlp", "data=digits", "activation=swish_beta"])
    learned = {"hidden1": {"beta": [math.nan]}}
    RunResult(str(tmp_path), config.as_dict(), DIVERGED, learned=learned).write()
    monkeypatch.setattr(sys, "argv", ["freeze.py", str(tmp_path)])
    with pytest.raises(UserError, match="is no directory of a finished run"):
        freeze.run()
