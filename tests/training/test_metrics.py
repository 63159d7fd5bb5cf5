"""Metrics against scikit-learn in float64, in any unit and in any batches."""

import math
import warnings

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, roc_auc_score

from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Source, split
from activation_search.training.metrics import AUROC, R2, BinaryAccuracy, Perplexity
from activation_search.training.task import build_task


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("noise", [0.1, 1.0, 1.5])
@pytest.mark.parametrize(
    ("unit", "offset"),
    [(1, 0), (1e-9, 0), (5e-4, 0), (1e9, 0), (1, 1e7), (50, 250_000), (1e200, 0)],
)
def test_numbers_in_any_unit(unit: float, offset: float, noise: float, size: int):
    y = unit * normal(600, size) + offset
    source = Source(normal(400, 2), y[:400], normal(200, 2), y[400:], Sample("vector", (2,)),
                    Target("numbers", size))  # fmt: skip
    splits = split(source, 0.25, seed=0)
    task = build_task(splits.target, splits.target_mean, splits.target_std)
    assert splits.test.y is not None
    outputs = splits.test.y + noise * torch.from_numpy(normal(200, size, seed=1)).float()
    for rows in torch.arange(200).split(64):
        task.metrics.update(*task.metric_inputs(outputs[rows], splits.test.y[rows]))
    found = task.measured()
    predicted = task.predict(outputs).numpy()
    assert predicted.dtype == np.float64
    # In units of the targets' spread, since squares of 1e200 are no numbers.
    expected = r2_score((y[400:] - offset) / unit, (predicted - offset) / unit)
    assert found["r2"].item() == pytest.approx(expected, abs=1e-5)
    assert found["mae"].item() == pytest.approx(mean_absolute_error(y[400:], predicted), rel=1e-5)


def test_r2_of_a_split_far_from_where_the_model_was_trained():
    y = normal(300, 1) + 1e5  # in standard deviations of the training part
    outputs = y + normal(300, 1, seed=1)
    metric = R2(1)
    for rows in torch.arange(300).split(50):
        metric.update(torch.from_numpy(outputs)[rows], torch.from_numpy(y)[rows])
    assert metric.compute().item() == pytest.approx(r2_score(y, outputs), abs=1e-9)


def test_r2_of_targets_that_do_not_vary_is_undefined():
    metric = R2(2)
    metric.update(torch.randn(20, 2), torch.tensor([[0.1, 1.0], [0.1, 2.0]]).repeat(10, 1))
    assert metric.compute().isnan()


@pytest.mark.parametrize(
    "logits",
    [
        normal(400),
        normal(400).round(),  # ties
        normal(400) * 1e-9,
        30 + normal(400),  # whose probabilities are all rounded to 1
        -200 + normal(400),
        np.zeros(400),
    ],
)
def test_area_under_the_curve(logits: np.ndarray):
    y = np.arange(400) % 3 == 0
    metric = AUROC()
    for rows in torch.arange(400).split(150):
        metric.update(torch.from_numpy(logits).float()[rows], torch.from_numpy(y).long()[rows])
    expected = roc_auc_score(y, logits.astype(np.float32))
    assert metric.compute().item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("label", [0, 1])
def test_area_under_the_curve_of_one_class_is_undefined(label: int):
    metric = AUROC()
    metric.update(torch.randn(10), torch.full((10,), label))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert metric.compute().isnan()


def test_accuracy_takes_logits_for_logits():
    metric = BinaryAccuracy()
    metric.update(torch.tensor([0.4, 0.2, 0.7, -0.1]), torch.tensor([1, 1, 0, 0]))
    assert metric.compute().item() == 0.75


def test_perplexity_is_a_number_where_float32_has_none():
    metric = Perplexity()
    metric.update(torch.tensor([[[0.0, 200.0]]]), torch.tensor([[0]]))
    assert metric.compute().item() == pytest.approx(math.exp(200))


@pytest.mark.parametrize("kind", ["classes", "binary", "numbers", "itself", "next"])
def test_batches_make_no_difference(kind: str):
    size = {"classes": 3, "numbers": 2, "itself": 2, "next": 5}.get(kind, 1)
    generator = torch.Generator().manual_seed(0)
    shape = (90, 4, size) if kind == "next" else (90, size)
    outputs = torch.randn(shape, generator=generator)
    y = {
        "classes": torch.arange(90) % 3,
        "binary": torch.arange(90) % 2,
        "next": torch.arange(360).view(90, 4) % 5,
    }.get(kind, outputs + torch.randn(shape, generator=generator))
    found = []
    for batch in (90, 7):
        task = build_task(Target(kind, size))
        for rows in torch.arange(90).split(batch):
            task.metrics.update(*task.metric_inputs(outputs[rows], y[rows]))
        found.append({name: value.item() for name, value in task.measured().items()})
    assert found[0] == pytest.approx(found[1], rel=1e-6)


@pytest.mark.parametrize(("yes", "no"), [(99_990, 10), (10_001, 5), (5, 10_001), (46_463, 1)])
def test_auroc_of_classes_of_very_different_size(yes: int, no: int):
    classes = torch.cat([torch.ones(yes), torch.zeros(no)]).long()
    logits = torch.from_numpy(normal(yes + no)).float()
    for x in (logits, logits + 20 * classes):  # by chance, and in the right order without exception
        metric = AUROC()
        metric.update(x, classes)
        expected = roc_auc_score(classes.numpy(), x.numpy())
        assert metric.compute().item() == pytest.approx(expected, abs=1e-9)
    assert metric.compute().item() == 1.0
