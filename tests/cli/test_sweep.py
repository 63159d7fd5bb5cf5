"""``python scripts/sweep.py`` as processes: whole studies, killed and resumed."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from activation_search.search.study import open_storage

from ..program import Program
from ..waiting import SAFETY_SECONDS, output_of, wait_until
from . import held
from .conftest import ROOT, Command

SMALL = ["model=mlp", "data=digits", "trainer.accelerator=cpu", "search=per_layer", "name=s"]
# Trials that wait in the middle of their training until the test lets them go on.
HELD = [
    "search=global",
    "search.candidates=[{name: custom, target: held.Leaky, slope: 0.1}, "
    "{name: custom, target: held.Leaky, slope: 0.2}]",
    "model.depth=1",
    "trainer.max_epochs=2",
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the function that holds trials."""
    shutil.copy(Path(held.__file__), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


def start(folder: Path, *overrides: str) -> Program:
    """A sweep of held trials in that working folder."""
    return Program(sweep(folder, *overrides), folder)


def sweep(folder: Path, *overrides: str) -> list[str]:
    """Its words, but for ``python``."""
    script = str(ROOT / "scripts" / "sweep.py")
    return [script, *SMALL, *HELD, f"logs={folder}", *overrides]


def journal(logs: Path) -> optuna.Study:
    storage = open_storage(f"journal://{logs}/sweeps/s/journal.log")
    return optuna.load_study(study_name="s", storage=storage)


def caught(
    study_of: Callable[[], optuna.Study],
    complete: int,
    holding: dict[Path, int],
    process: Program | subprocess.Popen | None = None,
) -> optuna.Study:
    """The study once so many trials are complete, and so many are held in each working folder."""

    def reached() -> optuna.Study | None:
        if any(len(held.held_processes(folder)) != count for folder, count in holding.items()):
            return None
        try:
            study = study_of()
        except (KeyError, OSError):
            return None  # not made yet
        return study if len(study.get_trials(deepcopy=False)) == complete else None

    return wait_until(reached, process)


def check_exact(study: optuna.Study, total: int) -> None:
    """``total`` trials, each with a result of its own run."""
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * total
    found = [trial.user_attrs for trial in study.trials]
    runs = {
        (json.dumps(trial.params, sort_keys=True), *attributes["seeds"])
        for trial, attributes in zip(study.trials, found, strict=True)
    }
    assert len(runs) == total
    assert len({d for attributes in found for d in attributes["directory"]}) == total


@pytest.mark.paints
def test_leaderboard_csv_and_pictures(
    command: Command, tmp_path: Path, here: None, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMALL, "trials=6", "search.candidates=[relu,gelu,tanh,prelu]",
                 "trainer.max_epochs=1", f"logs={tmp_path}"]  # fmt: skip
    assert command("scripts/sweep.py", *arguments) == 0
    out = capsys.readouterr().out
    folder = tmp_path / "sweeps" / "s"
    assert "validation accuracy" in out
    assert "repeat rank 1:  python train.py " in out
    assert " model=mlp data=digits activation.layers.hidden1=" in out
    for name in ("by_activation.png", "history.png", "curves.png", "sites.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")
    with (folder / "trials.csv").open() as file:
        lines = list(csv.DictReader(file))
    assert [line["rank"] for line in lines] == [str(n + 1) for n in range(len(lines))]
    means = [float(line["mean"]) for line in lines]
    assert means == sorted(means, reverse=True)
    assert lines[0]["command"].startswith("python train.py ")
    assert " model=mlp data=digits " in lines[0]["command"]
    check_exact(journal(tmp_path), 6)
    assert len(list(folder.glob("runs/*/*/hparams"))) == 6

    assert command("scripts/sweep.py", *arguments) == 0
    assert "study s is complete: nothing was run" in capsys.readouterr().out
    assert command("scripts/sweep.py", *arguments, "optim.lr=0.1") == 2
    err = capsys.readouterr().err
    assert "asks something else (optim.lr was 0.005, is 0.1)" in err


def test_a_deleted_folder_is_a_sentence(folder: Path) -> None:
    process = start(folder, "trials=2", "workers=1")
    caught(lambda: journal(folder), 0, {folder: 1}, process)
    shutil.rmtree(folder / "sweeps")
    (folder / held.ALL).touch()
    out = output_of(process)
    assert process.returncode == 1
    [line] = [line for line in out.splitlines() if line.startswith("Error: ")]
    assert "was deleted" in line
    assert "Traceback" not in out


def test_an_error_shows_no_password(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in ("postgresql://me:hunter2@@:@h/d", "nosuch://me:hunter2@h/d"):
        assert command("scripts/sweep.py", *SMALL, f"logs={tmp_path}", f"storage='{url}'") == 2
    err = capsys.readouterr().err
    assert err.count("storage=") == 2
    assert "hunter2" not in err


@pytest.mark.parametrize(
    ("script", "option"),
    [
        ("scripts/sweep.py", ["-m"]),
        ("scripts/sweep.py", ["hydra.mode=MULTIRUN"]),
        ("scripts/sweep.py", ["++hydra.mode='MULTIRUN'"]),
        ("scripts/sweep.py", ["--cfg", "job"]),
        ("scripts/sweep.py", ["--info", "config"]),
        ("scripts/discover.py", ["--multirun"]),
    ],
)
def test_no_password_is_handed_to_hydra(
    script: str,
    option: list[str],
    command: Command,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """It would print it, and write it into ``multirun.yaml``."""
    for url in ("postgresql://me:hunter2@127.0.0.1:1/d", "mysql://h/d?password=hunter2"):
        storage = f'storage="{url}"'
        assert command(script, *option, "seed=0,1", f"logs={tmp_path}", storage) == 2
        out, err = capfd.readouterr()
        assert "Hydra itself would show the password in storage=" in err
        assert "hunter2" not in out + err
    assert not list(tmp_path.rglob("multirun*"))


def test_a_password_that_hydra_cannot_read_is_not_shown(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for url in ("postgresql://me:a hunter2!@h/d", "postgresql://h/d?password=a hunter2"):
        assert command("scripts/sweep.py", f"logs={tmp_path}", f"storage={url}") == 2
    err = capsys.readouterr().err
    assert err.count("Cannot read the override") == 2
    assert "hunter2" not in err


def test_a_killed_worker_costs_nothing(command: Command, folder: Path) -> None:
    def kill() -> None:
        (folder / held.ONCE).touch()
        caught(lambda: journal(folder), 1, {folder: 1})
        os.kill(held.held_processes(folder)[0], signal.SIGKILL)
        (folder / held.ALL).touch()

    overrides = [*SMALL, *HELD, f"logs={folder}", "trials=4", "workers=1"]
    with ThreadPoolExecutor(1) as pool:
        killed = pool.submit(kill)
        assert command("scripts/sweep.py", *overrides) == 0
        killed.result()
    check_exact(journal(folder), 4)


def test_a_killed_parent_and_the_same_command_again(
    command: Command, folder: Path, here: None
) -> None:
    process = start(folder, "trials=6", "workers=2")
    (folder / held.ONCE).touch()
    caught(lambda: journal(folder), 1, {folder: 2}, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    (folder / held.ALL).touch()
    assert command("scripts/sweep.py", *SMALL, *HELD, f"logs={folder}", "trials=6") == 0
    # Workers end with the process that started them.
    psutil.wait_procs(children, timeout=SAFETY_SECONDS)
    assert not [child for child in children if child.is_running()]
    output_of(process)
    check_exact(journal(folder), 6)


def test_ctrl_c_tells_what_is_kept(command: Command, folder: Path, here: None) -> None:
    process = subprocess.Popen(  # all is imported anew
        [sys.executable, *sweep(folder, "trials=4", "workers=1")],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    (folder / held.ONCE).touch()
    caught(lambda: journal(folder), 1, {folder: 1}, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    out = output_of(process)
    assert process.returncode == 130, out
    assert "All finished trials are kept" in out
    assert "Traceback" not in out
    check_exact(journal(folder), 1)
    assert command("scripts/sweep.py", *SMALL, *HELD, f"logs={folder}", "trials=4") == 0
    check_exact(journal(folder), 4)


def test_too_many_failures_end_the_study(
    command: Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "failing_activations.py").write_text(
        "import torch\ncalls = 0\n\n\ndef sometimes(x, limit=0):\n"
        "    global calls\n    calls += 1\n"
        "    if calls > 20:\n        raise RuntimeError('out of luck')\n    return torch.tanh(x)\n"
    )
    monkeypatch.chdir(tmp_path)
    candidates = "search.candidates=[{name: custom, target: failing_activations.sometimes}, relu]"
    arguments = [*SMALL, candidates, "trials=8", "workers=1", "max_failures=1", f"logs={tmp_path}"]
    assert command("scripts/sweep.py", *arguments) == 2
    err = capsys.readouterr().err
    assert "trials failed, more than max_failures=1; the last one with: " in err
    assert "out of luck" in err


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ("search.candidates=[gleu]", "Unknown activation 'gleu', did you mean 'gelu'?"),
        ("search.sites=conv*", "Unknown site 'conv*'; allowed: hidden1, hidden2."),
        ("search.candidates=[relu]", "The search space is empty"),
        ("search.hparams={optim.lr:{low:1,high:0}}", "needs low below high"),
        ("workers=0", "workers must be auto, or from 1 to 1024, not 0."),
        ("storage=sqlite:////does/not/exist/s.db", "Cannot open storage=sqlite:"),
        ("trials=0", "trials must be at least 1 and at most 1,000,000, not 0."),
        ("sampler=cmaes", "drops categories"),
        ("search=nonsense", "Unknown search 'nonsense'; allowed: gates, global, joint, per_layer."),
        ("model.wdth=3", "Unknown model=mlp setting 'wdth', did you mean 'width'?"),
    ],
)
def test_mistakes(
    overrides: str,
    message: str,
    command: Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = [o for o in SMALL if o.split("=")[0] != overrides.split("=")[0]]
    assert command("scripts/sweep.py", *given, overrides, f"logs={tmp_path}") == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert message in line
