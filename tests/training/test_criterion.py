"""Runs that are judged by another metric than the task's first, and classes of unequal size."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_splits
from activation_search.errors import UserError
from activation_search.training.run import train
from activation_search.training.session import build_module

from ..files import write_arrays

Small = Callable[..., TrainConfig]


@pytest.mark.parametrize(("metric", "better"), [("loss", min), ("macro_f1", max)])
def test_best_weights_and_early_stopping_follow_the_metric(
    metric: str, better: Callable[..., float], small: Small
) -> None:
    config = small(
        f"task.metric={metric}",
        "trainer.max_epochs=5",
        "optim.lr=0.05",
        "optim.schedule=constant",
        "early_stopping.patience=4",
    )
    result = train(config)
    assert result.metric == metric
    values = [row[f"val_{metric}"] for row in result.curve]
    best = values.index(better(values))
    stored = torch.load(Path(result.directory) / "best.ckpt", weights_only=True)
    assert stored["epoch"] == best
    assert result.metrics[f"val_{metric}"] == values[best]


def test_no_such_metric_leaves_nothing_behind(small: Small, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"Unknown task\.metric 'f1'.*did you mean|allowed"):
        train(small("task.metric=f1"))
    assert not list(tmp_path.glob("**/result.json"))


def test_a_metric_that_a_part_leaves_undefined(small: Small, tmp_path: Path) -> None:
    # A class of one sample stays in training, so that the validation part has one class.
    y = (np.arange(60) == 0).astype(int)
    path = write_arrays(tmp_path / "one.npz", y_train=y, y_test=np.arange(30) % 2)
    data = ["data=arrays", f"data.path={path}", "trainer.max_epochs=1"]
    with pytest.raises(UserError, match=r"auroc is undefined on the validation part, where"):
        train(small(*data, "task.metric=auroc"))
    assert train(small(*data)).status == "finished"


def test_weights_of_classes_reach_the_loss_of_a_run(small: Small, tmp_path: Path) -> None:
    y = (np.arange(60) % 10 == 0).astype(int)
    path = write_arrays(tmp_path / "rare.npz", y_train=y, y_test=np.arange(30) % 2)
    data = ["data=arrays", f"data.path={path}", "data.validation=0", "trainer.max_epochs=1"]
    config = small(*data, "data.class_weights=balanced")
    splits = load_splits(config.data, 0)
    module = build_module(config, splits)
    x, y_all = splits.train.batch(slice(None))
    plain = torch.nn.functional.binary_cross_entropy_with_logits(
        module(x)[:, 0], y_all.float(), reduction="none"
    )
    weights = torch.where(y_all == 1, 60 / (2 * 6), 60 / (2 * 54))
    assert module.task.loss(module(x), y_all).item() == pytest.approx(
        (plain * weights).mean().item(), rel=1e-5
    )
    balanced = train(config)
    assert balanced.status == "finished"
    assert balanced.metrics["test_loss"] != train(small(*data)).metrics["test_loss"]
    with pytest.raises(UserError, match="weigh classes, and these data ask for none"):
        train(small("data=friedman1", "data.class_weights=balanced"))
