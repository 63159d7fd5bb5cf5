"""``python scripts/sweep.py`` as processes: whole studies, killed and resumed."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import psutil
import pytest
from optuna.trial import TrialState

from activation_search.search.study import WORKER, open_storage

from .conftest import ROOT, Command

SMALL = ["model=mlp", "data=digits", "trainer.accelerator=cpu", "search=per_layer", "name=s"]


def start(logs: Path, *overrides: str, cwd: Path = ROOT) -> subprocess.Popen:
    """A sweep in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, str(ROOT / "scripts" / "sweep.py"), *SMALL, f"logs={logs}", *overrides],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def journal(logs: Path) -> optuna.Study:
    storage = open_storage(f"journal://{logs}/sweeps/s/journal.log")
    return optuna.load_study(study_name="s", storage=storage)


def wait_for(study_of, finished: int, process: subprocess.Popen) -> optuna.Study:
    """Until so many trials are complete and one is running."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        assert process.poll() is None, process.stdout.read() if process.stdout else ""
        try:
            study = study_of()
        except (KeyError, OSError):
            time.sleep(0.1)
            continue
        states = [t.state for t in study.get_trials(deepcopy=False)]
        if states.count(TrialState.COMPLETE) >= finished and TrialState.RUNNING in states:
            return study
        time.sleep(0.02)
    raise AssertionError("the study does not get on")


def check_exact(study: optuna.Study, total: int) -> None:
    """``total`` results, each of its own run; all others are trials of killed workers."""
    complete = [t for t in study.trials if t.state is TrialState.COMPLETE]
    assert len(complete) == total
    results = [t.user_attrs["result"] for t in complete]
    runs = {
        (json.dumps(t.params, sort_keys=True), *r["seeds"])
        for t, r in zip(complete, results, strict=True)
    }
    assert len(runs) == total
    assert len({d for r in results for d in r["directories"]}) == total
    others = [t for t in study.trials if t.state is not TrialState.COMPLETE]
    assert {t.state for t in others} <= {TrialState.FAIL}


def running_worker(study: optuna.Study) -> int:
    [first, *_] = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return first.user_attrs[WORKER]["process"]


def test_leaderboard_csv_and_pictures(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*SMALL, "trials=6", "search.candidates=[relu,gelu,tanh,prelu]", "workers=2",
                 "trainer.max_epochs=3", f"logs={tmp_path}"]  # fmt: skip
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


def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    process = start(tmp_path, "trials=8", "workers=2", "trainer.max_epochs=25")
    study = wait_for(lambda: journal(tmp_path), 3, process)
    os.kill(running_worker(study), signal.SIGKILL)
    out, _ = process.communicate(timeout=180)
    assert process.returncode == 0, out
    study = journal(tmp_path)
    check_exact(study, 8)
    assert len(study.trials) == 9


def test_a_killed_parent_and_the_same_command_again(tmp_path: Path) -> None:
    process = start(tmp_path, "trials=8", "workers=2", "trainer.max_epochs=25")
    wait_for(lambda: journal(tmp_path), 3, process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate()
    again = start(tmp_path, "trials=8", "workers=2", "trainer.max_epochs=25")
    out, _ = again.communicate(timeout=180)
    assert again.returncode == 0, out
    check_exact(journal(tmp_path), 8)
    # Workers whose parent is gone finish their trial and end.
    psutil.wait_procs(children, timeout=30)
    assert not [child for child in children if child.is_running()]


def test_ctrl_c_tells_what_is_kept(tmp_path: Path) -> None:
    process = start(tmp_path, "trials=8", "workers=2", "trainer.max_epochs=25")
    wait_for(lambda: journal(tmp_path), 2, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: every process of the group
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130, out
    assert "All finished trials are kept" in out
    assert "Traceback" not in out
    states = [t.state for t in journal(tmp_path).trials]
    assert TrialState.RUNNING not in states
    assert states.count(TrialState.WAITING) + states.count(TrialState.COMPLETE) == 8
    again = start(tmp_path, "trials=8", "workers=2", "trainer.max_epochs=25")
    out, _ = again.communicate(timeout=180)
    assert again.returncode == 0, out
    check_exact(journal(tmp_path), 8)


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
        ("workers=0", "workers must be auto, or 1 or more, not 0."),
        ("storage=sqlite:////does/not/exist/s.db", "Cannot open storage=sqlite:"),
        ("trials=0", "trials must be at least 1, not 0."),
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
