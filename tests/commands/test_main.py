"""The console script: the same commands by their names."""

import sys

import pytest

from activation_search.commands.main import COMMANDS, console_script

from ..cli.conftest import ROOT


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/activation-search", *words])
    return console_script()


def test_every_script_is_a_command() -> None:
    scripts = {f"scripts/{path.name}" for path in (ROOT / "scripts").glob("*.py")}
    assert {command.path for command in COMMANDS.values()} == scripts | {"train.py"}


def test_a_run(monkeypatch: pytest.MonkeyPatch, tmp_path, capsys) -> None:
    quick = ["trainer.fast_dev_run=true", "trainer.progress=false", "trainer.accelerator=cpu"]
    words = ["train", "model=mlp", "data=digits", "activation=gelu", *quick, f"logs={tmp_path}"]
    assert run(monkeypatch, *words) == 0
    assert "finished: mlp on digits" in capsys.readouterr().out
    assert list(tmp_path.glob("debug/*/*/result.json"))


def test_a_mistake_is_a_sentence(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    assert run(monkeypatch, "sweep", "trials=0") == 2
    assert capsys.readouterr().err.startswith("Error: trials must be at least 1")
    assert run(monkeypatch, "swep") == 2
    assert "did you mean 'sweep'?" in capsys.readouterr().err


def test_without_a_command_all_are_listed(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    assert run(monkeypatch) == 2
    assert capsys.readouterr().out.count("activation-search ") == len(COMMANDS)
    assert run(monkeypatch, "--help") == 0


@pytest.mark.parametrize("name", COMMANDS)
def test_help(name: str, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setattr(sys, "argv", ["/usr/bin/activation-search", name, "--help"])
    if COMMANDS[name].config is None:  # argparse ends the process
        with pytest.raises(SystemExit) as end:
            console_script()
        assert end.value.code == 0
    else:
        assert console_script() == 0
    out = capsys.readouterr().out
    assert all(example in out for example in COMMANDS[name].examples)
