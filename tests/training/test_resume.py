"""A run that is killed and resumed ends with the numbers of one that was not."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.training import directory as run_directory
from activation_search.training import session as session_module
from activation_search.training.history import History
from activation_search.training.result import RUNNING, STOPPED, RunResult, read_result
from activation_search.training.run import RunInterrupted, train

from ..program import python

Small = Callable[..., TrainConfig]

# Dropout, a stochastic and a learnable activation, a schedule: all that has a state to lose; and
# a learning rate at which accuracy does not rise in every epoch.
OVERRIDES = [
    "activation=rrelu",
    "activation.layers.hidden2=prelu",
    "model.dropout=0.2",
    "trainer.max_epochs=6",
    "optim.lr=0.03",
]
VARIANTS = {
    "plain": [],
    "steps": ["trainer.max_steps=100"],
    "accumulation": ["trainer.accumulate_grad_batches=5"],
    "early stopping": ["early_stopping.patience=2", "trainer.max_epochs=30"],
    "no validation": ["data.validation=0"],
    "float64": ["trainer.precision=64-true"],
}


def numbers(result: RunResult) -> tuple:
    return result.metrics, result.curve, result.learned, result.steps, result.stopped_early


def press_ctrl_c(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(0.1)


def interrupted(config: TrainConfig, monkeypatch: pytest.MonkeyPatch, epoch: int) -> RunResult:
    """The result of a run stopped by Ctrl-C in the middle of an epoch."""
    original = History.on_train_batch_end

    def hook(self, trainer, pl_module, outputs, batch, batch_idx):
        original(self, trainer, pl_module, outputs, batch, batch_idx)
        if trainer.current_epoch == epoch and batch_idx == 3:
            press_ctrl_c()

    with monkeypatch.context() as patch:
        patch.setattr(History, "on_train_batch_end", hook)
        with pytest.raises(RunInterrupted) as stop:
            train(config)
    return stop.value.result


@pytest.mark.parametrize("variant", VARIANTS)
def test_interrupted_and_resumed(
    variant: str, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = OVERRIDES + VARIANTS[variant]
    stopped = interrupted(small(*overrides), monkeypatch, epoch=3)
    assert stopped.status == STOPPED
    assert stopped.epochs == 3
    assert read_result(Path(stopped.directory)).status == STOPPED
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    resumed = train(small(*overrides, "resume=auto"))
    assert resumed.directory == stopped.directory
    assert resumed.resumed_after == 3
    unbroken = train(small(*overrides))
    assert unbroken.directory != resumed.directory
    assert unbroken.resumed_after is None
    assert numbers(resumed) == numbers(unbroken)


def test_tensorboard_of_a_resumed_run_has_every_point_once(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = [*OVERRIDES, "tensorboard.every_n_steps=5"]
    stopped = interrupted(small(*overrides), monkeypatch, epoch=3)
    resumed = train(small(*overrides, "resume=auto"))
    assert resumed.directory == stopped.directory
    events = [
        EventAccumulator(result.directory).Reload()
        for result in (resumed, train(small(*overrides)))
    ]
    tags = events[1].Tags()["scalars"]
    assert events[0].Tags()["scalars"] == tags
    for tag in tags:
        broken, unbroken = ([(e.step, e.value) for e in a.Scalars(tag)] for a in events)
        assert broken == unbroken, tag


def test_killed_process(small: Small, tmp_path: Path) -> None:
    """SIGKILL leaves no chance to write anything; the last checkpoint serves."""
    config = small(*OVERRIDES)
    code = (
        "import json, os, signal, sys\n"
        "from activation_search.config.run import from_dict\n"
        "from activation_search.training.history import History\n"
        "from activation_search.training.run import train\n"
        "original = History.on_train_batch_end\n"
        "def hook(self, trainer, *rest):\n"
        "    original(self, trainer, *rest)\n"
        "    if trainer.current_epoch == 4:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "History.on_train_batch_end = hook\n"
        "train(from_dict(json.loads(sys.argv[1])))\n"
    )
    done = python("-c", code, json.dumps(config.as_dict()))
    assert done.returncode == -signal.SIGKILL
    [directory] = tmp_path.glob("train/*/*")
    assert read_result(directory).status == RUNNING
    resumed = train(small(f"resume={directory}", "trainer.progress=false"))
    assert (resumed.status, resumed.resumed_after) == ("finished", 4)
    assert numbers(resumed) == numbers(train(small(*OVERRIDES)))
    with pytest.raises(UserError, match="that run is finished"):
        train(small(f"resume={directory}"))


def test_a_run_that_is_alive_cannot_be_resumed(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = interrupted(small(*OVERRIDES), monkeypatch, epoch=1)
    directory = Path(stopped.directory)
    stopped.status = RUNNING
    stopped.write()
    with run_directory.hold(directory):
        with pytest.raises(UserError, match="that run is still running"):
            train(small(f"resume={directory}"))
        assert run_directory.find_unfinished(small(*OVERRIDES)) is None
    assert run_directory.find_unfinished(small(*OVERRIDES)) == directory


@pytest.mark.parametrize("variant", ["plain", "steps", "early stopping"])
def test_ctrl_c_during_the_final_evaluation(
    variant: str, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = OVERRIDES + VARIANTS[variant]
    with monkeypatch.context() as patch:
        patch.setattr(session_module.ActivationModule, "on_test_epoch_start", press_ctrl_c)
        with pytest.raises(RunInterrupted) as stop:
            train(small(*overrides))
    assert stop.value.result.status == STOPPED
    resumed = train(small(*overrides, "resume=auto"))
    assert resumed.directory == stop.value.result.directory
    assert numbers(resumed) == numbers(train(small(*overrides)))


def test_a_resumed_run_that_fails_at_once_keeps_what_there_was(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = interrupted(small(*OVERRIDES), monkeypatch, epoch=3)

    def fail(self) -> None:
        raise RuntimeError("out of luck")

    with monkeypatch.context() as patch:
        patch.setattr(session_module.ActivationModule, "configure_optimizers", fail)
        with pytest.raises(RuntimeError, match="out of luck"):
            train(small(*OVERRIDES, "resume=auto"))
    failed = read_result(Path(stopped.directory))
    assert (failed.status, failed.epochs, failed.steps) == ("failed", 3, 3 * 18)
    assert numbers(train(small(*OVERRIDES, "resume=auto"))) == numbers(train(small(*OVERRIDES)))


def test_auto_starts_anew_where_nothing_is_unfinished(small: Small) -> None:
    first = train(small("resume=auto"))
    second = train(small("resume=auto"))
    assert first.directory != second.directory
    assert second.resumed_after is None


def test_auto_finds_the_same_configuration_in_any_group(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = small()
    config.group = "multirun/20260101-000000"
    stopped = Path(interrupted(config, monkeypatch, epoch=1).directory)
    assert run_directory.find_unfinished(small()) == stopped
    assert run_directory.find_unfinished(small("optim.lr=0.1")) is None
    assert run_directory.find_unfinished(small("seed=1")) is None
    # How it is shown makes no other run.
    shown = small("resume=auto", "tensorboard.every_n_steps=3", "trainer.progress=true")
    assert run_directory.find_unfinished(shown) == stopped


def test_a_run_stopped_before_its_first_checkpoint_starts_over(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = interrupted(small(), monkeypatch, epoch=0)
    resumed = train(small("resume=auto"))
    assert resumed.directory == stopped.directory
    assert numbers(resumed) == numbers(train(small()))


def test_two_runs_of_one_second_have_their_own_directories(small: Small) -> None:
    directories = {run_directory.create(small()) for _ in range(20)}
    assert len(directories) == 20
