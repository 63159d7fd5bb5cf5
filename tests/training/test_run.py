"""One run from configuration to result."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf

import activation_search
from activation_search.config.data import DataConfig
from activation_search.config.run import TrainConfig, from_dict
from activation_search.data.registry import load_splits
from activation_search.errors import UserError
from activation_search.training import session as session_module
from activation_search.training.result import read_result
from activation_search.training.run import train

Small = Callable[..., TrainConfig]


METRICS = {f"{s}_{m}" for s in ("val", "test") for m in ("loss", "accuracy", "macro_f1")}


def numbers(result) -> tuple:
    """What must not depend on anything but configuration and seed."""
    return result.metrics, result.curve, result.learned


def test_a_run_leaves_a_complete_directory(small: Small) -> None:
    config = small("activation=prelu", "activation.layers.hidden2=gelu")
    result = train(config)
    directory = Path(result.directory)
    assert directory.parent.name == "mlp-digits-prelu-per-layer"
    assert {"config.yaml", "result.json", "best.ckpt", "last.ckpt"} <= {
        p.name for p in directory.iterdir()
    }
    assert result.status == "finished"
    assert set(result.metrics) == METRICS
    assert result.metrics["test_accuracy"] > 0.6
    assert [row["epoch"] for row in result.curve] == [0, 1]
    assert result.curve[-1]["val_accuracy"] == result.metrics["val_accuracy"]
    assert result.assignment == {"hidden1": "prelu", "hidden2": "gelu"}
    assert len(result.learned["hidden1"]["weight"]) == 32
    # 64-32-32-10 with biases, and 32 slopes.
    assert result.parameters == 65 * 32 + 33 * 32 + 33 * 10 + 32
    assert result.activation_parameters == 32
    assert result.steps == 2 * 18
    assert 0 < result.training_seconds < result.seconds
    assert result.versions["torch"] == torch.__version__
    assert read_result(directory) == result
    stored = OmegaConf.to_container(OmegaConf.load(directory / "config.yaml"))
    assert from_dict(stored) == config  # type: ignore[arg-type]


def test_same_seed_same_numbers(small: Small) -> None:
    config = small("activation=rrelu", "model.dropout=0.2")
    first = train(config)
    torch.manual_seed(99)  # what happened before in the process does not matter
    second = train(config)
    assert numbers(first) == numbers(second)
    assert first.directory != second.directory
    assert numbers(train(small("activation=rrelu", "model.dropout=0.2", "seed=1"))) != numbers(
        first
    )


@pytest.mark.paints
def test_diagnostics_do_not_change_the_numbers(small: Small) -> None:
    config = ["model=cnn", "model.dropout=0.2", "activation=prelu"]
    quiet = train(small(*config, "tensorboard.enabled=false", "trainer.checkpoints=false"))
    loud = train(
        small(*config, "tensorboard.every_n_steps=1", "tensorboard.histograms_every_n_epochs=1")
    )
    assert numbers(quiet) == numbers(loud)


def test_two_activations_at_one_seed_see_the_same_batches(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: dict[str, list[torch.Tensor]] = {}

    class Recording(session_module.ActivationModule):
        def training_step(self, batch, index):
            seen.setdefault(self.config.activation.name, []).append(batch[0].clone())
            return super().training_step(batch, index)

    monkeypatch.setattr(session_module, "ActivationModule", Recording)
    for name in ("relu", "apl"):
        train(small(f"activation={name}", "model.dropout=0.1"))
    assert len(seen["relu"]) == 36
    assert all(torch.equal(a, b) for a, b in zip(seen["relu"], seen["apl"], strict=True))


def test_global_generators_are_left_alone(small: Small) -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    train(small())
    assert torch.equal(torch.get_rng_state(), before)


def test_the_test_split_can_be_left_unread(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        session_module.DataModule, "test_dataloader", lambda self: pytest.fail("test split read")
    )
    assert set(train(small("test=false")).metrics) == {m for m in METRICS if m.startswith("val_")}


def test_without_validation(small: Small) -> None:
    result = train(small("data.validation=0"))
    assert set(result.metrics) == {m for m in METRICS if m.startswith("test_")}
    assert result.steps == 2 * 23  # all 1,437 samples in batches of 64
    assert (Path(result.directory) / "last.ckpt").exists()
    assert not (Path(result.directory) / "best.ckpt").exists()


def test_loading_gives_the_trained_model(small: Small) -> None:
    result = train(small("model=cnn", "activation=prelu", "activation.layers.conv2=swiglu"))
    model = activation_search.load(Path(result.directory) / "last.ckpt")
    splits = load_splits(DataConfig("digits", 64, 0.2), seed=0)
    raw = splits.test.x * splits.std + splits.mean
    probabilities = model.predict(raw.numpy())
    assert probabilities.shape == (360, 10)
    assert probabilities.sum(1).tolist() == pytest.approx([1.0] * 360, abs=1e-5)
    accuracy = (probabilities.argmax(1) == splits.test.y).float().mean().item()
    assert accuracy == pytest.approx(result.metrics["test_accuracy"], abs=1e-6)
    # One sample as a plain nested list predicts as it does in a batch.
    torch.testing.assert_close(model.predict(np.asarray(raw[:1])), probabilities[:1])
    with pytest.raises(UserError, match=r"takes samples \[B, 1, 8, 8\], not \[5, 64\]"):
        model.predict(np.zeros((5, 64)))


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "Cannot read the checkpoint"), (b"nonsense", "is no checkpoint of a run")],
)
def test_loading_something_else(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "model.ckpt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=message):
        activation_search.load(path)


def test_divergence_is_a_result(small: Small) -> None:
    config = small("optim.optimizer=sgd", "optim.lr=1e6", "optim.schedule=constant")
    result = train(config)
    assert result.status == "diverged"
    assert result.reason is not None
    assert "loss is" in result.reason
    assert "test_accuracy" not in result.metrics
    stored = json.loads((Path(result.directory) / "result.json").read_text())
    assert stored["status"] == "diverged"
    assert stored["curve"][-1]["train_loss"] is None  # JSON has no NaN


def test_a_loss_that_is_not_finite_at_the_very_end(small: Small) -> None:
    result = train(
        small("data.validation=0", "trainer.max_steps=1", "optim.optimizer=sgd", "optim.lr=1e30")
    )
    assert result.status == "diverged"
    assert result.reason is not None
    assert "final test_loss is nan" in result.reason


def test_huge_gradients_are_counted_not_drawn(small: Small) -> None:
    """Values beyond TensorBoard's bins, still finite, must not end a run with an error."""
    result = train(
        small("activation=relu2", "optim.optimizer=sgd", "optim.lr=1e12", "trainer.max_epochs=3",
              "tensorboard.histograms_every_n_epochs=1", "tensorboard.every_n_steps=1000")
    )  # fmt: skip
    assert result.status == "diverged"


def test_train_loss_in_half_precision_is_summed_in_float32(small: Small) -> None:
    few = ["data.batch_size=2", "trainer.max_epochs=1", "optim.lr=1e-9"]
    exact = train(small(*few)).curve[0]["train_loss"]
    half = train(small(*few, "trainer.precision=bf16-true")).curve[0]["train_loss"]
    assert half == pytest.approx(exact, rel=5e-3)


def test_a_pruned_run(small: Small) -> None:
    rows = []

    def third(row: dict[str, float]) -> bool:
        rows.append(row)
        return len(rows) == 3

    result = train(small("trainer.max_epochs=9"), on_epoch=third)
    assert (result.status, result.epochs) == ("pruned", 3)
    assert rows == result.curve
    assert set(result.metrics) == {m for m in METRICS if m.startswith("val_")}


def test_threads_are_set_for_the_run_alone(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setattr(
        session_module.ActivationModule,
        "on_train_start",
        lambda self: seen.append(torch.get_num_threads()),
    )
    before = torch.get_num_threads()
    train(small("trainer.threads=2"))
    assert seen == [2]
    assert torch.get_num_threads() == before


def test_an_error_in_the_middle_is_recorded(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self, batch, index):
        raise RuntimeError("out of luck at mysql://me:secret@host")

    monkeypatch.setattr(session_module.ActivationModule, "validation_step", fail)
    config = small()
    with pytest.raises(RuntimeError, match="out of luck"):
        train(config)
    [directory] = Path(config.logs).glob("train/*/*")
    result = read_result(directory)
    assert (result.status, result.reason) == (
        "failed",
        "RuntimeError: out of luck at mysql://me:***@host",
    )


# A learning rate at which accuracy goes up and down.
PLATEAU = ["trainer.max_epochs=11", "optim.lr=0.05", "optim.schedule=constant"]


def step_of(directory: str, name: str) -> int:
    return torch.load(Path(directory) / name, weights_only=True)["global_step"]


def test_best_and_last_checkpoints(small: Small) -> None:
    result = train(small(*PLATEAU))
    accuracies = [row["val_accuracy"] for row in result.curve]
    best = accuracies.index(max(accuracies))
    assert best < 10  # otherwise the two would be the same
    assert step_of(result.directory, "best.ckpt") == 18 * (best + 1)
    assert step_of(result.directory, "last.ckpt") == result.steps == 18 * 11
    splits = load_splits(DataConfig("digits", 64, 0.2), seed=0)
    for name, expected in (("best", max(accuracies)), ("last", accuracies[-1])):
        model = activation_search.load(Path(result.directory) / f"{name}.ckpt")
        outputs = model(splits.validation.x).argmax(1)
        assert (outputs == splits.validation.y).float().mean().item() == pytest.approx(expected)


def test_early_stopping_keeps_the_best_weights_and_the_whole_curve(small: Small) -> None:
    result = train(small(*PLATEAU, "early_stopping.patience=2"))
    accuracies = [row["val_accuracy"] for row in result.curve]
    assert result.stopped_early
    assert result.evaluated == "best"
    assert result.metrics["val_accuracy"] == pytest.approx(max(accuracies))
    assert accuracies.index(max(accuracies)) == len(accuracies) - 3  # two more epochs of patience
    assert result.epochs == len(accuracies) < 11
    assert result.steps == 18 * result.epochs


def test_early_stopping_has_the_same_validation_numbers_without_checkpoints(small: Small) -> None:
    with_weights = train(small(*PLATEAU, "early_stopping.patience=2"))
    without = train(
        small(*PLATEAU, "early_stopping.patience=2", "trainer.checkpoints=false", "test=false")
    )
    assert without.metrics == {k: v for k, v in with_weights.metrics.items() if k[:3] == "val"}
    # The last epoch's confusion is not that of the best one's numbers.
    assert with_weights.confusion["split"] == "test"
    assert without.confusion == {}


@pytest.mark.parametrize(("steps", "epochs"), [(7, 1), (25, 2), (36, 2)])
def test_limits_in_steps(steps: int, epochs: int, small: Small) -> None:
    result = train(small(f"trainer.max_steps={steps}", "trainer.max_epochs=50"))
    assert (result.steps, result.epochs, result.status) == (steps, epochs, "finished")
    assert step_of(result.directory, "last.ckpt") == steps
    # The metrics are those of the last step, not of the last whole epoch.
    model = activation_search.load(Path(result.directory) / "last.ckpt")
    validation = load_splits(DataConfig("digits", 64, 0.2), seed=0).validation
    loss = torch.nn.functional.cross_entropy(model(validation.x), validation.y).item()
    assert result.metrics["val_loss"] == pytest.approx(loss, rel=1e-5)
    assert result.training_seconds > 0


def test_gradient_accumulation_makes_fewer_steps(small: Small) -> None:
    assert train(small("trainer.accumulate_grad_batches=3")).steps == 2 * 6


def test_clipping_limits_the_step(small: Small) -> None:
    """With plain SGD and a clip of 1e-6, weights stay within lr * steps * clip of their start."""
    config = small("optim.optimizer=sgd", "optim.momentum=0", "optim.lr=1", "optim.clip=1e-6")
    result = train(config)
    model = activation_search.load(Path(result.directory) / "last.ckpt")
    fresh = session_module.ActivationModule(**model.hparams)
    moved = [(a - b).norm() for a, b in zip(model.parameters(), fresh.parameters(), strict=True)]
    assert torch.stack(moved).norm() <= 36 * 1e-6 * 1.01
    assert torch.stack(moved).norm() > 0


def test_overfitting_a_few_batches(small: Small) -> None:
    result = train(small("trainer.overfit_batches=1", "trainer.max_epochs=60", "model.width=64"))
    assert result.curve[-1]["train_loss"] < 0.02
    assert result.metrics["val_accuracy"] == 1.0


def test_fast_dev_run_goes_through_everything_apart(small: Small) -> None:
    result = train(small("trainer.fast_dev_run=true"))
    assert Path(result.directory).parts[-3] == "debug"
    assert (result.epochs, result.steps) == (1, 1)
    assert "test_accuracy" in result.metrics


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
def test_precision(precision: str, small: Small) -> None:
    config = small("activation=prelu", f"trainer.precision={precision}", "optim.clip=1")
    result = train(config)
    assert result.metrics["val_accuracy"] > 0.5
    model = activation_search.load(Path(result.directory) / "last.ckpt")
    assert model.predict(torch.zeros(2, 1, 8, 8)).sum(1).tolist() == pytest.approx([1, 1])


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optim.lr=-1"], "optim.lr must be above 0, not -1"),
        (["init=xavier"], "Unknown init 'xavier'; allowed: gain, he, torch"),
        (["activation.layers.conv9=relu"], "Unknown site 'conv9'; allowed: hidden1, hidden2"),
        (["data.validation=0", "early_stopping.patience=3"], "needs a validation split"),
        (["early_stopping.patience=3", "trainer.checkpoints=false"], "best weights"),
        (["trainer.accelerator=mps"], "trainer.accelerator=mps .* cannot run here"),
        (["trainer.precision=16-mixed"], "trainer.precision=16-mixed needs a GPU"),
        (["resume=/does/not/exist"], "is no run directory"),
    ],
)
def test_mistakes_leave_nothing_behind(
    small: Small, overrides: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        train(small(*overrides))
    assert list(tmp_path.rglob("*")) == []


def test_a_place_that_cannot_be_written(small: Small, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"Cannot write runs to .*: Not a directory"):
        train(small(f"logs={tmp_path / 'file'}"))
