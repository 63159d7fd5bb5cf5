"""Tables and toys: their shapes, sizes, and what is known of them."""

import numpy as np
import pytest

from activation_search.config.data import DataConfig
from activation_search.data.registry import load_source, load_splits


@pytest.mark.parametrize(
    ("name", "rows", "features", "kind"),
    [
        ("breast_cancer", 569, 30, "binary"),
        ("diabetes", 442, 10, "numbers"),
        ("friedman1", 2000, 10, "numbers"),
        ("xor", 2000, 2, "binary"),
        ("two_spirals", 2000, 2, "binary"),
    ],
)
def test_shapes(name: str, rows: int, features: int, kind: str) -> None:
    source = load_source(DataConfig(name, 64, 0.2))
    assert (source.sample.kind, source.sample.shape) == ("vector", (features,))
    assert source.target.kind == kind
    assert len(source.x_train) + len(source.x_test) == rows
    assert len(source.x_test) == round(0.2 * rows)
    assert source.x_train.dtype == np.float64  # rounded once, after it is standardised
    if kind == "binary":
        assert set(np.unique(source.y_train)) == {0, 1}
        assert 0.3 < source.y_train.mean() < 0.7
    else:
        assert source.y_train.shape == (rows - len(source.x_test), 1)


def test_published_facts() -> None:
    cancer, diabetes = (
        load_source(DataConfig("breast_cancer", 64, 0.2)),
        load_source(DataConfig("diabetes", 64, 0.2)),
    )
    assert np.concatenate([cancer.y_train, cancer.y_test]).sum() == 357  # benign
    y = np.concatenate([diabetes.y_train, diabetes.y_test])
    assert (y.min(), y.max()) == (25, 346)


def test_friedman_is_its_formula() -> None:
    source = load_source(DataConfig("friedman1", 64, 0.2))
    x, y = source.x_train.astype(float), source.y_train[:, 0]
    formula = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
    formula += 10 * x[:, 3] + 5 * x[:, 4]
    noise = y - formula
    assert noise.mean() == pytest.approx(0, abs=0.1)
    assert noise.std() == pytest.approx(1, abs=0.05)


def test_xor_is_exclusive_or() -> None:
    source = load_source(DataConfig("xor", 64, 0.2))
    positive = source.x_train > 0
    assert (source.y_train == (positive[:, 0] ^ positive[:, 1])).all()


def test_targets_that_are_numbers_are_standardised_by_the_training_split() -> None:
    splits = load_splits(DataConfig("diabetes", 64, 0.2), seed=1)
    assert splits.train.y.mean().item() == pytest.approx(0, abs=1e-5)
    assert splits.train.y.std(correction=0).item() == pytest.approx(1, abs=1e-5)
    assert splits.target_mean is not None
    raw = splits.test.y * splits.target_std + splits.target_mean
    np.testing.assert_allclose(raw, load_source(DataConfig("diabetes", 64, 0.2)).y_test, rtol=1e-4)
    assert load_splits(DataConfig("xor", 64, 0.2), seed=1).target_mean is None
