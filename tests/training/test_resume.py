"""A run that is killed and resumed ends with the numbers of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.errors import UserError
from activation_search.training import directory as run_directory
from activation_search.training.config import TrainConfig
from activation_search.training.history import History
from activation_search.training.result import RUNNING, STOPPED, RunResult, read_result
from activation_search.training.run import RunInterrupted, train

Small = Callable[..., TrainConfig]

# Dropout, a stochastic and a learnable activation, a schedule: all that has a state to lose.
OVERRIDES = [
    "activation=rrelu",
    "activation.layers.hidden2=prelu",
    "model.dropout=0.2",
    "trainer.max_epochs=6",
]


def numbers(result: RunResult) -> tuple:
    return result.metrics, result.curve, result.learned, result.steps


def interrupt_in_epoch(monkeypatch: pytest.MonkeyPatch, epoch: int) -> None:
    """Ctrl-C in the middle of an epoch, as the keyboard sends it."""
    original = History.on_train_batch_end

    def hook(self, trainer, pl_module, outputs, batch, batch_idx):
        original(self, trainer, pl_module, outputs, batch, batch_idx)
        if trainer.current_epoch == epoch and batch_idx == 3:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)

    monkeypatch.setattr(History, "on_train_batch_end", hook)


def test_interrupted_and_resumed(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        interrupt_in_epoch(patch, epoch=3)
        with pytest.raises(RunInterrupted) as stop:
            train(small(*OVERRIDES))
    interrupted = stop.value.result
    assert interrupted.status == STOPPED
    assert interrupted.epochs == 3
    assert read_result(Path(interrupted.directory)).status == STOPPED
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    resumed = train(small(*OVERRIDES, "resume=auto"))
    assert resumed.directory == interrupted.directory
    unbroken = train(small(*OVERRIDES))
    assert unbroken.directory != resumed.directory
    assert numbers(resumed) == numbers(unbroken)


def test_killed_process_and_resume_by_path(small: Small, tmp_path: Path) -> None:
    """SIGKILL leaves no chance to write anything; the last checkpoint and result.json serve."""
    config = small(*OVERRIDES, "trainer.max_epochs=400")
    code = (
        "import json, sys\n"
        "from activation_search.training.config import from_dict\n"
        "from activation_search.training.run import train\n"
        "train(from_dict(json.loads(sys.argv[1])))\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(config.as_dict())])
    try:
        deadline = time.monotonic() + 120
        while not list(tmp_path.glob("train/*/*/last.ckpt")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.05)
        [directory] = tmp_path.glob("train/*/*")
        with pytest.raises(UserError, match="that run is still running"):
            train(small(f"resume={directory}"))
    finally:
        process.kill()
        process.wait()
    assert read_result(directory).status == RUNNING

    # What was asked for is 400 epochs; cut that short in the stored configuration.
    stored = json.loads((directory / "result.json").read_text())
    stored["config"]["trainer"]["max_epochs"] = 30
    stored["config"]["optim"]["schedule"] = "constant"
    (directory / "result.json").write_text(json.dumps(stored))
    resumed = train(small(f"resume={directory}"))
    assert (resumed.status, resumed.epochs) == ("finished", 30)
    assert [row["epoch"] for row in resumed.curve] == list(range(30))
    with pytest.raises(UserError, match="that run is finished"):
        train(small(f"resume={directory}"))


def test_auto_starts_anew_where_nothing_is_unfinished(small: Small) -> None:
    first = train(small("resume=auto"))
    second = train(small("resume=auto"))
    assert first.directory != second.directory


def test_auto_finds_only_the_same_configuration(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_in_epoch(patch, epoch=1)
        with pytest.raises(RunInterrupted) as stop:
            train(small())
    interrupted = Path(stop.value.result.directory)
    assert run_directory.find_unfinished(small()) == interrupted
    assert run_directory.find_unfinished(small("optim.lr=0.1")) is None
    assert run_directory.find_unfinished(small("seed=1")) is None
    # Where it is written and whether a bar is shown make no other run.
    assert run_directory.find_unfinished(small("resume=auto")) == interrupted


def test_a_run_stopped_before_its_first_checkpoint_starts_over(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        interrupt_in_epoch(patch, epoch=0)
        with pytest.raises(RunInterrupted) as stop:
            train(small())
    resumed = train(small("resume=auto"))
    assert resumed.directory == stop.value.result.directory
    assert numbers(resumed) == numbers(train(small()))


def test_two_runs_of_one_second_have_their_own_directories(small: Small) -> None:
    directories = {run_directory.create(small()) for _ in range(20)}
    assert len(directories) == 20
