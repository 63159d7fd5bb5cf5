"""``python scripts/discover.py`` as processes: a search whose worker and driver are killed."""

import os
import shutil
import signal
import sys
from pathlib import Path

import optuna
import psutil
import pytest

from activation_search.search.study import open_storage

from ..program import Program
from ..waiting import SAFETY_SECONDS, output_of, wait_until
from . import held
from .conftest import ROOT, Command

# Formulas in the first layer; the second one waits in the middle of training.
SEARCH = [
    "model=mlp", "data=digits", "model.depth=2", "model.width=16", "trainer.accelerator=cpu",
    "trainer.max_epochs=1", "name=s", "formulas=3", "tune_lr=false", "hand_made=[relu]",
    "finalists=1", "finalist_seeds=1", "confirm=1", "confirm_seeds=2", "lr_grid=[0.01]",
    "activation.layers.hidden2={name: custom, target: held.Leaky, slope: 0.1}",
]  # fmt: skip


def trials(logs: Path) -> list[optuna.trial.FrozenTrial]:
    """Those that have ended; none before the search has a journal."""
    storage = open_storage(f"journal://{logs}/discover/s/journal.log")
    try:
        return optuna.load_study(study_name="s", storage=storage).trials
    except KeyError:
        return []


def test_a_killed_worker_and_a_killed_driver(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    here: None,
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.copy(Path(held.__file__), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    arguments = [*SEARCH, f"logs={tmp_path}"]
    script = str(ROOT / "scripts" / "discover.py")
    process = Program([script, *arguments, "workers=2"], tmp_path)

    def holding(count: int) -> list[int]:
        assert process.poll() is None, output_of(process)
        waiting = held.held_processes(tmp_path)
        return waiting if len(waiting) == count else []

    # One run of the hand-made function, which comes first, and one of a formula.
    for _ in range(2):
        (tmp_path / held.ONCE).touch()
        wait_until(lambda: not (tmp_path / held.ONCE).exists(), process)
    wait_until(lambda: (tmp_path / "discover/s").exists() and trials(tmp_path), process)
    [killed, _] = wait_until(lambda: holding(2))
    os.kill(killed, signal.SIGKILL)
    # A new one does its job again.
    wait_until(lambda: killed not in held.held_processes(tmp_path) and holding(2))
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    (tmp_path / held.ALL).touch()
    psutil.wait_procs(children, timeout=SAFETY_SECONDS)
    output_of(process)
    kept = trials(tmp_path)
    assert 1 <= len(kept) < 6

    assert command("scripts/discover.py", *arguments) == 0
    found = trials(tmp_path)
    assert [t.user_attrs["formula"] for t in found[: len(kept)]] == [
        t.user_attrs["formula"] for t in kept
    ]
    assert {t.state for t in found} == {optuna.trial.TrialState.COMPLETE}
    asked = sorted((t.user_attrs["arm"], t.user_attrs["number"]) for t in found)
    assert asked == [(arm, n) for arm in ("evolution", "random") for n in range(3)]
    assert "train it: python train.py" in capsys.readouterr().out
