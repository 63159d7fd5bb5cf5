"""Each task's loss, output function and metrics against closed forms, and whole runs of each."""

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn.metrics import r2_score, roc_auc_score

import activation_search
from activation_search.compose import compose
from activation_search.data import load_source
from activation_search.data.sample import Target
from activation_search.errors import UserError
from activation_search.evidence.statistics import compare
from activation_search.training.config import TrainConfig
from activation_search.training.run import train
from activation_search.training.task import build_task, task_of

Small = Callable[..., TrainConfig]


def test_several_classes() -> None:
    task = build_task(Target("classes", 3))
    assert task.outputs == 3
    outputs, y = torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([1, 2])
    p = math.exp(2) / (math.e + math.exp(2) + 1)
    assert task.loss(outputs, y).item() == pytest.approx(-(math.log(p) + math.log(1 / 3)) / 2)
    assert task.predict(outputs)[0, 1].item() == pytest.approx(p)


def test_yes_or_no() -> None:
    task = build_task(Target("binary", 1))
    assert task.outputs == 1
    outputs, y = torch.tensor([[2.0], [0.5], [-1.0], [0.2]]), torch.tensor([1, 0, 0, 1])
    p = [1 / (1 + math.exp(-z)) for z in (2.0, 0.5, -1.0, 0.2)]
    expected = -(math.log(p[0]) + math.log(1 - p[1]) + math.log(1 - p[2]) + math.log(p[3])) / 4
    assert task.loss(outputs, y).item() == pytest.approx(expected)
    assert task.predict(outputs).tolist() == pytest.approx(p)
    metrics = task.metrics()
    metrics.update(*task.judged(outputs, y))
    found = {name: value.item() for name, value in metrics.compute().items()}
    assert found == pytest.approx({"accuracy": 0.75, "auroc": roc_auc_score(y, p)})


def test_logits_that_look_like_probabilities_are_logits() -> None:
    task = build_task(Target("binary", 1))
    metrics = task.metrics()
    metrics.update(*task.judged(torch.tensor([[0.4], [0.3], [0.2]]), torch.tensor([1, 1, 0])))
    # A logit above 0 says yes; as probabilities all three would say no.
    assert metrics.compute()["accuracy"].item() == pytest.approx(2 / 3)


def test_numbers_are_judged_in_their_unit() -> None:
    task = build_task(Target("numbers", 1), torch.tensor([100.0]), torch.tensor([50.0]))
    outputs, y = torch.tensor([[0.0], [1.0], [-1.0]]), torch.tensor([[0.2], [1.0], [-1.4]])
    assert task.loss(outputs, y).item() == pytest.approx((0.04 + 0.16) / 3)
    assert task.predict(outputs)[:, 0].tolist() == [100, 150, 50]
    metrics = task.metrics()
    metrics.update(*task.judged(outputs, y))
    found = metrics.compute()
    assert found["mae"].item() == pytest.approx((10 + 20) / 3)
    assert found["r2"].item() == pytest.approx(r2_score([110, 150, 30], [100, 150, 50]), abs=1e-5)


def test_metrics_and_directions() -> None:
    assert [(task_of(d).metric, task_of(d).mode) for d in ("digits", "xor", "diabetes")] == [
        ("accuracy", "max"), ("accuracy", "max"), ("r2", "max"),
    ]  # fmt: skip


def test_a_regression_run_predicts_in_the_targets_unit(small: Small) -> None:
    result = train(small("data=friedman1", "trainer.max_epochs=10", "model.width=64"))
    assert result.metric == "r2"
    assert result.metrics["test_r2"] > 0.7
    assert {"test_loss", "test_mae", "test_r2", "val_r2"} <= set(result.metrics)
    model = activation_search.load(f"{result.directory}/last.ckpt")
    source = load_source("friedman1")
    predicted = model.predict(source.x_test)
    assert predicted.shape == source.y_test.shape
    error = np.abs(predicted.numpy() - source.y_test).mean()
    assert result.metrics["test_mae"] == pytest.approx(error, rel=1e-4)


def test_a_binary_run(small: Small) -> None:
    result = train(small("data=breast_cancer", "trainer.max_epochs=10"))
    assert result.metrics["test_accuracy"] > 0.92
    assert result.metrics["test_auroc"] > 0.97
    model = activation_search.load(f"{result.directory}/best.ckpt")
    probabilities = model.predict(load_source("breast_cancer").x_test)
    assert probabilities.shape == (114,)
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("data", ["xor", "two_spirals"])
def test_without_non_linearity_a_network_is_a_line(data: str, small: Small) -> None:
    found = {}
    for name in ("identity", "relu", "tanh", "gelu"):
        run = train(
            small(f"data={data}", f"activation={name}", "model.width=128", "trainer.max_epochs=30")
        )
        found[name] = run.metrics["test_accuracy"]
    assert found.pop("identity") <= 0.75
    assert min(found.values()) >= 0.99


@pytest.mark.parametrize("model", ["cnn", "lstm", "transformer"])
def test_models_that_cannot_read_vectors_say_which_can(model: str, small: Small) -> None:
    with pytest.raises(UserError, match=f"model={model} cannot read .* vector; .* can: mlp"):
        train(compose([f"model={model}", "data=diabetes"]))


def test_verdicts_follow_the_direction_of_the_metric() -> None:
    assert task_of("diabetes").mode == "max"
    better = compare([0.1, 0.2, 0.3], {"b": [0.4, 0.52, 0.61]}, task_of("diabetes").mode)["b"]
    assert better.win_rate == 1
