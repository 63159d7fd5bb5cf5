"""Mean curves: their values, and what TensorBoard reads of them."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from google.protobuf.json_format import MessageToDict
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from activation_search.config.run import TrainConfig
from activation_search.reports.mean_curves import mean_curve, write_group_means
from activation_search.training.run import train


def curve(*values: float) -> list[dict[str, float]]:
    return [{"step": 10.0 * n, "val_loss": value} for n, value in enumerate(values, start=1)]


def test_mean_and_standard_deviation() -> None:
    found = mean_curve([curve(1, 4, 9), curve(3, 4, 9), curve(5, 7)], "val_loss")
    assert found.steps == [10, 20]  # as far as the shortest goes
    assert found.mean == [3, 5]
    assert found.spread == pytest.approx([2, math.sqrt(3)])


def test_one_run_has_no_spread_and_what_is_not_finite_ends_a_curve() -> None:
    assert mean_curve([curve(1, 4)], "val_loss").spread == [0, 0]
    assert mean_curve([curve(1, math.nan, 3), curve(1, 2, 3)], "val_loss").steps == [10]
    assert mean_curve([curve(1)], "val_accuracy").steps == []


def test_a_run_per_group_with_its_band(small: Callable[..., TrainConfig], tmp_path: Path) -> None:
    runs = [
        train(small(f"seed={seed}", "tensorboard.histograms_every_n_epochs=0")) for seed in (0, 1)
    ]
    silent = train(small("tensorboard.enabled=false"))
    groups = {
        "a/b (c=1)": [run.directory for run in runs],
        "gone": ["nowhere"],
        "silent": [silent.directory],
    }
    write_group_means(tmp_path / "mean", "accuracy", groups)
    [folder] = (tmp_path / "mean").iterdir()
    assert folder.name == "a_b_(c=1)"
    found = EventAccumulator(str(folder)).Reload()
    tags = [f"{name}{end}" for name in ("loss/train", "loss/val", "accuracy/val")
            for end in ("", "_minus_sd", "_plus_sd")]  # fmt: skip
    assert set(found.Tags()["scalars"]) == set(tags)
    for epoch, step in enumerate(row["step"] for row in runs[0].curve):
        first, second = (run.curve[epoch]["val_accuracy"] for run in runs)
        mean, spread = (first + second) / 2, abs(first - second) / math.sqrt(2)
        shown = [found.Scalars(tag)[epoch] for tag in tags[6:]]
        assert [event.step for event in shown] == [step] * 3
        expected = [mean, mean - spread, mean + spread]
        assert [event.value for event in shown] == pytest.approx(expected)
    content = found.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    [category] = MessageToDict(Layout.FromString(content))["category"]
    assert [chart["title"] for chart in category["chart"]] == [
        f"{name}: mean and one SD" for name in ("loss, train", "loss, val", "accuracy, val")
    ]
    series = category["chart"][2]["margin"]["series"]
    assert series == [dict(zip(("value", "lower", "upper"), tags[6:], strict=True))]
    assert found.Tags()["images"] == ["confusion/test"]
