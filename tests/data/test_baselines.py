"""What is reached without a network, against closed forms."""

import math
from typing import Any

import numpy as np
import pytest

from activation_search.data import baselines as module
from activation_search.data.encoding import InputColumn
from activation_search.data.sample import Sample, Target
from activation_search.data.sources.text import from_text
from activation_search.data.splits import Source, split

X = np.zeros((4, 1), np.float32)
VECTOR = Sample("vector", (1,))


def baselines(source: Source, validation: float = 0.0) -> dict[str, float]:
    # Only components ask for the scale of a run.
    splits: Any = split(source, validation, 0) if source.target.kind == "itself" else None
    return module.baselines(source, splits)


def test_classes() -> None:
    source = Source(
        X, np.array([1, 1, 0, 2]), X, np.array([1, 0, 1, 1]), VECTOR, Target("classes", 3)
    )
    assert baselines(source) == {"most frequent class, accuracy": 0.75}


def test_numbers() -> None:
    y, y_test = np.array([[1.0], [2], [3], [6]]), np.array([[3.0], [4], [2], [1]])
    source = Source(X, y, X, y_test, VECTOR, Target("numbers", 1))
    # Errors 0, 1, -1, -2 from a mean of 3; the test targets spread by 1.25 around 2.5.
    assert baselines(source) == {
        "mean of the training targets, mae": pytest.approx(1.0),
        "mean of the training targets, r2": pytest.approx(1 - 1.5 / 1.25),
    }
    # One of two targets is the same in all test rows, but not to the last bit of its variance.
    both, both_test = np.hstack([y, y]), np.hstack([y_test, np.full((4, 1), 0.3)])
    source = Source(X, both, X, both_test, VECTOR, Target("numbers", 2))
    assert baselines(source) == {"mean of the training targets, mae": pytest.approx(3.7 / 2)}
    both_test[:, 1] = [2, 4, 2, 4]  # errors of 1, spread 1 around 3
    assert baselines(source)["mean of the training targets, r2"] == pytest.approx((-0.2 + 0) / 2)


def test_text() -> None:
    # Four characters in a row without end: one follows from the one before.
    found = baselines(from_text("abcd" * 500, 10, "letters"))
    assert found["single characters, bits_per_character"] == pytest.approx(2, abs=0.01)
    assert found["pairs of characters, bits_per_character"] == pytest.approx(0, abs=0.01)
    assert 0 < found["gzip of the test part, bits_per_character"] < 2


def test_pairs_that_training_lacks_cost_bits() -> None:
    text = "ab" * 450 + "ba" * 2 + "a" * 96
    found = baselines(from_text(text, 10, "letters"))
    assert math.isfinite(found["pairs of characters, bits_per_character"])
    assert found["pairs of characters, bits_per_character"] > 5


def test_components_of_what_lies_on_a_plane() -> None:
    generator = np.random.default_rng(0)
    x = (generator.normal(size=(50, 2)) @ generator.normal(size=(2, 12))).astype(np.float32)
    x *= np.array([1000, *[1] * 11])  # of other units, which scaling takes away
    source = Source(x, X, x, X, Sample("vector", (12,)), Target("classes", 2)).to_reconstruct()
    found = baselines(source)
    assert found["2 principal components, mse"] == pytest.approx(0, abs=1e-6)
    assert set(found) == {"2 principal components, mse", "8 principal components, mse"}


def test_components_of_a_table_with_gaps() -> None:
    """Filled by the medians of the training rows, here 4.5."""
    generator = np.random.default_rng(0)
    x, x_test = generator.normal(size=(9, 4)), generator.normal(size=(5, 4))
    x[:, 1] = [1, 2, 3, 4, 5, 6, 7, 8, 4]
    columns = tuple(InputColumn(name, "numbers") for name in "abcd")
    given = []
    for gap in (np.nan, 4.0):
        x[8, 1] = x_test[2, 1] = gap
        source = Source(x.copy(), X, x_test.copy(), X, Sample("vector", (4,)),
                        Target("classes", 2), columns=columns)  # fmt: skip
        given.append(baselines(source.to_reconstruct()))
    assert given[0].keys() == {"2 principal components, mse"}
    assert given[0] != given[1]
    x[8, 1] = x_test[2, 1] = 4.5
    source = Source(x, X, x_test, X, Sample("vector", (4,)), Target("classes", 2))
    assert given[0] == baselines(source.to_reconstruct())


def test_components_are_scaled_as_in_training() -> None:
    """By the training rows alone: a row far off, which validation has, is not their unit."""
    generator = np.random.default_rng(0)
    x, x_test = generator.normal(size=(40, 12)), generator.normal(size=(20, 12))
    rows = split(Source(x, X, x_test, X, Sample("vector", (12,)), Target("classes", 2))
                 .to_reconstruct(), 0.2, seed=0).train  # fmt: skip
    held = next(row for row in range(40) if not (rows.x == rows.x.new_tensor(x[row])).all(1).any())
    found = []
    for size in (1.0, 1000.0):
        x[held] *= size
        source = Source(x, X, x_test, X, Sample("vector", (12,)), Target("classes", 2))
        found.append(baselines(source.to_reconstruct(), 0.2)["8 principal components, mse"])
    assert found[1] > 0.1 * found[0]  # and not a millionth of it
