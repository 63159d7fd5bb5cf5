"""What a run writes for TensorBoard, read back with TensorBoard's own reader."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from activation_search.config.run import TrainConfig
from activation_search.training import session as session_module
from activation_search.training.run import train

Small = Callable[..., TrainConfig]


def events(folder: str | Path) -> EventAccumulator:
    accumulator = EventAccumulator(str(folder), size_guidance={"histograms": 0, "images": 0})
    return accumulator.Reload()


def scalar(accumulator: EventAccumulator, tag: str) -> dict[int, float]:
    return {event.step: event.value for event in accumulator.Scalars(tag)}


@pytest.fixture
def run(small: Small):
    return train(
        small(
            "activation=prelu",
            "activation.layers.hidden1=relu",
            "tensorboard.every_n_steps=6",
            "tensorboard.histograms_every_n_epochs=1",
        )
    )


def test_scalars(run) -> None:
    accumulator = events(run.directory)
    layers = ["hidden1", "hidden2", "head"]
    assert set(accumulator.Tags()["scalars"]) == {
        "accuracy/val",
        "macro_f1/val",
        "learning_rate/weights",
        "learning_rate/biases",
        "learning_rate/activations",
        "loss/train",
        "loss/train_step",
        "loss/val",
        "learned/hidden2/weight",
        "grad_norm/total",
        *(f"{name}/{layer}" for layer in layers for name in ("grad_norm", "update_ratio")),
        *(
            f"{name}/{site}"
            for site in layers[:2]
            for name in ("dead", "dormant", "saturated", "signal_std")
        ),
    }
    assert list(scalar(accumulator, "grad_norm/total")) == [0, 6, 12, 18, 24, 30]
    assert list(scalar(accumulator, "loss/train_step")) == [6, 12, 18, 24, 30, 36]
    curve = {row["step"]: row["val_accuracy"] for row in run.curve}
    assert scalar(accumulator, "accuracy/val") == pytest.approx(curve)
    learned = scalar(accumulator, "learned/hidden2/weight")
    assert learned[0] == pytest.approx(0.25)
    assert learned[36] == pytest.approx(np.mean(run.learned["hidden2"]["weight"]), rel=1e-5)


def test_accumulated_batches_make_one_point_per_step(small: Small) -> None:
    result = train(small("trainer.accumulate_grad_batches=5", "tensorboard.every_n_steps=1"))
    steps = list(range(1, 2 * 4 + 1))
    points = events(result.directory).Scalars("loss/train_step")
    assert [event.step for event in points] == steps


def test_histograms_and_curves(run) -> None:
    tags = events(run.directory).Tags()
    layers, sites = ["hidden1", "hidden2", "head"], ["hidden1", "hidden2"]
    assert set(tags["histograms"]) == {
        *(f"gradient/{layer}" for layer in layers),
        *(f"preactivation/{site}" for site in sites),
    }
    accumulator = events(run.directory)
    assert [e.step for e in accumulator.Histograms("gradient/head")] == [0, 18]
    assert [e.step for e in accumulator.Histograms("preactivation/hidden1")] == [0, 18, 36]
    # 512 probe samples of 32 units.
    assert accumulator.Histograms("preactivation/hidden1")[0].histogram_value.num == 512 * 32
    assert set(tags["images"]) == {"curve/hidden2", "confusion/test"}
    assert [e.step for e in accumulator.Images("curve/hidden2")] == [0, 18, 36]


def test_text_and_layout(run) -> None:
    tensors = events(run.directory).Tags()["tensors"]
    assert {"model/text_summary", "assignment/text_summary", "custom_scalars__config__"} <= set(
        tensors
    )


def hparams_of(directory: str):
    plugin = events(Path(directory) / "hparams").PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(plugin[metadata.SESSION_START_INFO_TAG])
    end = metadata.parse_session_end_info_plugin_data(plugin[metadata.SESSION_END_INFO_TAG])
    return start, end


def test_hparams_tab_has_columns_and_the_final_metrics(run) -> None:
    start, end = hparams_of(run.directory)
    assert start.hparams["model"].string_value == "mlp"
    assert start.hparams["data"].string_value == "digits"
    assert start.hparams["activation"].string_value == "relu, prelu"
    assert start.hparams["site/hidden1"].string_value == "relu"
    assert start.hparams["lr"].number_value == 5e-3
    assert start.hparams["seed"].number_value == 0
    assert end.status == 1  # success
    accumulator = events(Path(run.directory) / "hparams")
    final = {tag: list(scalar(accumulator, tag).values()) for tag in accumulator.Tags()["scalars"]}
    assert final == {f"final/{name}": [pytest.approx(value)] for name, value in run.metrics.items()}


def test_seeds_of_one_configuration_share_a_session_group(run, small: Small) -> None:
    overrides = [
        "activation=prelu",
        "activation.layers.hidden1=relu",
        "tensorboard.every_n_steps=6",
        "tensorboard.histograms_every_n_epochs=1",
    ]
    other_seed = train(small(*overrides, "seed=1"))
    other_lr = train(small(*overrides, "optim.lr=0.01"))
    group = hparams_of(run.directory)[0].group_name
    assert hparams_of(other_seed.directory)[0].group_name == group
    assert hparams_of(other_lr.directory)[0].group_name != group


def test_the_confusion_of_the_test_split_is_counted(run, small: Small) -> None:
    assert run.confusion["split"] == "test"
    assert run.confusion["names"] == [str(digit) for digit in range(10)]
    counts = np.array(run.confusion["counts"])
    assert counts.trace() / counts.sum() == pytest.approx(run.metrics["test_accuracy"])
    untested = train(small("test=false", "tensorboard.histograms_every_n_epochs=0"))
    counts = np.array(untested.confusion["counts"])
    assert untested.confusion["split"] == "val"
    assert counts.trace() / counts.sum() == pytest.approx(untested.metrics["val_accuracy"])
    assert events(untested.directory).Tags()["images"] == []


def test_the_trial_of_a_study_is_a_column(run, small: Small) -> None:
    assert "trial" not in hparams_of(run.directory)[0].hparams
    start, _ = hparams_of(train(small("tensorboard.trial=7")).directory)
    assert start.hparams["trial"].number_value == 7


def test_a_diverged_run_is_marked(small: Small) -> None:
    result = train(small("optim.optimizer=sgd", "optim.lr=1e6", "optim.schedule=constant"))
    assert hparams_of(result.directory)[1].status == 2  # failure
    tags = events(result.directory).Tags()["scalars"]
    assert any(tag.startswith("nonfinite/") for tag in tags)


def test_gradient_norms_are_those_before_clipping(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recomputed independently from the gradients that autograd leaves in the first step."""
    seen: list[float] = []

    class Recording(session_module.ActivationModule):
        def on_after_backward(self) -> None:
            if not seen:
                norms = [p.grad.norm() for p in self.network.layers["hidden1"].parameters()]
                seen.append(torch.stack(norms).norm().item())

    monkeypatch.setattr(session_module, "ActivationModule", Recording)
    result = train(small("optim.clip=1e-3"))
    logged = scalar(events(result.directory), "grad_norm/hidden1")[0]
    assert logged == pytest.approx(seen[0], rel=1e-5)
    assert logged > 1e-2
