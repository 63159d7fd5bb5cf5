"""Checkpoints: whole whatever happens, and read whatever has happened to them."""

import errno
import os
import random
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import activation_search
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.training.checkpoint import latest_checkpoint
from activation_search.training.result import STOPPED, read_result
from activation_search.training.run import train

from ..program import Program
from ..waiting import wait_until

Small = Callable[..., TrainConfig]

# Writes for ever.
WRITER = """
import sys, torch
from activation_search.training.checkpoint import WholeCheckpoints
weights = {"state_dict": {"w": torch.zeros(200_000)}}
while True:
    WholeCheckpoints().save_checkpoint(weights, sys.argv[1])
"""


def test_a_kill_at_any_moment_leaves_a_whole_file(tmp_path: Path):
    path = tmp_path / "last.ckpt"
    random.seed(0)
    for _ in range(10):
        writer = Program(["-c", WRITER, str(path)])
        wait_until(path.exists, writer)
        time.sleep(random.random() / 50)
        writer.kill()
        writer.wait()
        assert writer.returncode == -signal.SIGKILL
        assert torch.load(path, weights_only=True)["state_dict"]["w"].numel() == 200_000
        path.unlink()


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a run of three epochs."""
    config = compose(
        ["model=mlp", "data=digits", "model.width=8", "trainer.max_epochs=3",
         "trainer.progress=false", f"logs={tmp_path_factory.mktemp('finished')}"]
    )  # fmt: skip
    return Path(train(config).directory)


@pytest.fixture
def stopped(finished: Path, tmp_path: Path) -> Path:
    """A copy of it, as if it had been stopped at its end."""
    directory = tmp_path / "run"
    shutil.copytree(finished, directory)
    result = read_result(directory)
    result.status = STOPPED
    result.write()
    return directory


def torn(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def zeroed(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


def of_another_program(path: Path) -> None:
    torch.save({"state_dict": {}, "epoch": 3}, path)


def of_a_lightning_program(path: Path, config: object) -> None:
    torch.save({"state_dict": {}, "global_step": 3, "hyper_parameters": {"config": config}}, path)


def newer(path: Path) -> None:
    stored = torch.load(path, weights_only=True) | {"format": 99}
    del stored["hyper_parameters"]  # it may have another form there
    torch.save(stored, path)


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES = [
    torn,
    zeroed,
    of_another_program,
    newer,
    a_folder,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("no checkpoint"),
    lambda path: torch.save([1, 2], path),
    lambda path: of_a_lightning_program(path, "settings.yaml"),
    lambda path: of_a_lightning_program(path, {"lr": 0.1}),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_one_sentence(stopped: Path, damage: Callable[[Path], None]):
    path = stopped / "last.ckpt"
    damage(path)
    with pytest.raises(UserError, match=r"last\.ckpt|best\.ckpt"):
        activation_search.load(path)


@pytest.mark.parametrize("damage", [damage for damage in DAMAGES if damage is not newer])
def test_a_run_is_resumed_from_the_best_where_the_last_is_damaged(
    stopped: Path, damage: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
):
    best = torch.load(stopped / "best.ckpt", weights_only=True)["global_step"]
    damage(stopped / "last.ckpt")
    resumed = latest_checkpoint(stopped)
    assert resumed is not None
    assert (resumed.path.name, resumed.step) == ("best.ckpt", best)
    assert "Note: cannot resume from" in capsys.readouterr().err


def test_a_checkpoint_that_is_not_damaged_is_never_passed_over(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
):
    """Its run would start anew, and put others in the place of its checkpoints."""
    path, read_bytes = stopped / "last.ckpt", Path.read_bytes

    def failing(self: Path) -> bytes:
        if self == path:
            raise OSError(errno.EIO, "Input/output error", str(self))
        return read_bytes(self)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_bytes", failing)
        with pytest.raises(UserError, match=r"Cannot read the checkpoint .*: Input/output error"):
            latest_checkpoint(stopped)
    newer(path)
    with pytest.raises(UserError, match="written by a newer version"):
        latest_checkpoint(stopped)


@pytest.mark.parametrize("epochs", [1, 2, 3])
def test_the_last_checkpoint_knows_the_best_value_so_far(small: Small, epochs: int):
    """Else a worse epoch after it would take the place of the best one."""
    run = train(small(f"trainer.max_epochs={epochs}", "tensorboard.enabled=false"))
    stored = torch.load(Path(run.directory) / "last.ckpt", weights_only=True)
    [best] = [s for s in stored["callbacks"].values() if s.get("best_k_models")
              and s["monitor"] == "val_accuracy"]  # fmt: skip
    assert float(best["best_model_score"]) == max(row["val_accuracy"] for row in run.curve)


def test_a_run_without_a_readable_checkpoint_starts_from_the_beginning(
    small: Small, stopped: Path, capsys: pytest.CaptureFixture[str]
):
    before = read_result(stopped)
    torn(stopped / "last.ckpt")
    torn(stopped / "best.ckpt")
    after = train(small(f"resume={stopped}"))
    assert (after.status, after.resumed_after) == ("finished", 0)
    assert after.curve == before.curve
    assert capsys.readouterr().err.count("Note: cannot resume from") == 2
    activation_search.load(stopped / "last.ckpt")


def test_a_resumed_run_from_the_best_checkpoint_has_the_numbers_of_an_unbroken_one(
    small: Small, stopped: Path
):
    before = read_result(stopped)
    torn(stopped / "last.ckpt")
    after = train(small(f"resume={stopped}"))
    assert (after.curve, after.metrics) == (before.curve, before.metrics)


def test_a_run_directory_can_be_loaded(finished: Path):
    whole, best = (activation_search.load(path) for path in (finished, finished / "best.ckpt"))
    for one, other in zip(whole.parameters(), best.parameters(), strict=True):
        assert torch.equal(one, other)
    with pytest.raises(UserError, match=r"Cannot read the checkpoint .*best\.ckpt"):
        activation_search.load(finished.parent)


def test_the_folder_of_temporary_files_has_no_part(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """On a cluster it often lies on another file system, or is full."""
    nowhere = tmp_path / "full"
    nowhere.touch()
    monkeypatch.setenv("TMPDIR", str(nowhere))
    assert (Path(train(small()).directory) / "last.ckpt").exists()


def test_what_a_killed_writer_left_is_removed_when_the_run_is_resumed(small: Small, stopped: Path):
    left_over = stopped / f".last-{os.getpid()}.new.ckpt"
    left_over.write_bytes(b"half")
    train(small(f"resume={stopped}"))
    assert not left_over.exists()
