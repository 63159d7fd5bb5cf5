"""Mean curves: their values, and what TensorBoard reads of them."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.custom_scalar.layout_pb2 import Layout

from activation_search.config.run import TrainConfig
from activation_search.evidence.results import Arm, Block, Evidence
from activation_search.reports.mean_curves import (
    mean_curve,
    write_group_means,
    write_mean_curves,
)
from activation_search.training.result import RunResult

from ..pretend import pretend

pytestmark = pytest.mark.paints


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


def finished(config: TrainConfig, *metric: float) -> RunResult:
    """A run that was not trained, with this metric after its epochs."""
    result = pretend(config, metric)
    counts = [[3, 1], [0, 4]]
    result.confusion = {"split": "test", "names": ["no", "yes"], "counts": counts}
    result.write()
    return result


def test_a_run_per_group_with_its_band(small: Callable[..., TrainConfig], tmp_path: Path) -> None:
    runs = [finished(small(), 0.2, 0.4), finished(small(), 0.4, 0.8)]
    diverged = finished(small(), 0.2, math.nan)
    silent = finished(small("tensorboard.enabled=false"), 0.5)
    groups = {
        "a/b (c=1)": [run.directory for run in (*runs, diverged)],
        "gone": ["nowhere"],
        "silent": [silent.directory],
    }
    write_group_means(tmp_path / "mean", "accuracy", groups)
    [folder] = (tmp_path / "mean").iterdir()
    assert folder.name == "a_b_(c=1)"
    found = EventAccumulator(str(folder)).Reload()
    tags = ["accuracy/val", "minus_sd/accuracy_val", "plus_sd/accuracy_val"]
    spread = math.sqrt(0.02)  # of 0.2 and 0.4
    curves = [[0.3, 0.6], [0.3 - spread, 0.6 - 2 * spread], [0.3 + spread, 0.6 + 2 * spread]]
    for tag, values in zip(tags, curves, strict=True):
        assert [event.step for event in found.Scalars(tag)] == [10, 20]
        assert [event.value for event in found.Scalars(tag)] == pytest.approx(values)
    assert len(found.Tags()["scalars"]) == 9  # the losses too
    content = found.Tensors("custom_scalars__config__")[0].tensor_proto.string_val[0]
    [category] = MessageToDict(Layout.FromString(content))["category"]
    assert [chart["title"] for chart in category["chart"]] == [
        f"{name}: mean and one SD" for name in ("loss, train", "loss, val", "accuracy, val")
    ]
    series = category["chart"][2]["margin"]["series"]
    assert series == [dict(zip(("value", "lower", "upper"), tags, strict=True))]
    assert found.Tags()["images"] == ["confusion/test"]


def test_folders_of_studies_blocks_and_confirmations(
    small: Callable[..., TrainConfig], tmp_path: Path
) -> None:
    runs = [finished(small(), 0.5).directory]

    def row(label: str, status: str = "finished") -> dict[str, Any]:
        return {"label": label, "status": status, "directories": runs}

    def block(model: str) -> Block:
        arms = {"relu": Arm([0.5], [0.5], runs, 1, 0.1, 0.01, {})}
        return Block(model, "digits", "accuracy", "max", "relu", [0], arms)

    def written(study: dict[str, Any] | None, *blocks: Block) -> set[str]:
        write_mean_curves(tmp_path, study, Evidence(list(blocks), {}, "", {}) if blocks else None)
        files = (tmp_path / "mean").rglob("events*")
        return {str(path.parent.relative_to(tmp_path / "mean")) for path in files}

    rows = [row("gelu"), row("lr=0.01"), row("lr=0.01"), row("elu", "diverged"), row("x" * 90)]
    study = {"metric": "accuracy", "rows": rows}
    of_study = {"gelu", "2-lr=0.01", "3-lr=0.01", f"4-{'x' * 80}"}
    assert written(study) == of_study
    assert written(study, block("mlp")) == of_study | {"confirmed/relu"}
    assert written(None, block("mlp")) == {"relu"}
    assert written(None, block("mlp"), block("cnn")) == {"mlp-digits/relu", "cnn-digits/relu"}
