"""Weights of classes in the loss, against the formula."""

from typing import Any

import pytest
import torch

from activation_search.config.data import check_class_weights
from activation_search.data.class_weights import class_weights
from activation_search.data.sample import Target
from activation_search.data.splits import Split
from activation_search.errors import UserError

CLASSES, BINARY = Target("classes", 3, ("ash", "fir", "oak")), Target("binary", 1)


def part(*counts: int, rows: torch.Tensor | None = None) -> Split:
    y = torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))
    return Split(torch.zeros(len(y), 1), y, rows)


@pytest.mark.parametrize(
    ("given", "target", "counts", "expected"),
    [
        # n / (k * n_c) of 100 samples.
        ("balanced", CLASSES, (50, 30, 20), [100 / 150, 100 / 90, 100 / 60]),
        ("balanced", BINARY, (90, 10), [100 / 180, 5.0]),
        # Only ratios count: 90 * w + 10 * 9w = 100.
        ([1, 9], BINARY, (90, 10), [100 / 180, 5.0]),
        ([2, 2, 2], CLASSES, (50, 30, 20), [1.0, 1.0, 1.0]),
        # A class that training never shows: n / (k * n_c) of the two others.
        ("balanced", CLASSES, (75, 25, 0), [100 / 150, 100 / 50, 50.0]),
    ],
)
def test_a_training_sample_weighs_one_on_average(
    given: Any, target: Target, counts: tuple[int, ...], expected: list[float]
) -> None:
    found = class_weights(given, target, part(*counts))
    assert found is not None
    assert found.tolist() == pytest.approx(expected)


def test_only_rows_of_the_part_are_counted() -> None:
    found = class_weights("balanced", BINARY, part(4, 4, rows=torch.tensor([0, 1, 2, 4])))
    assert found is not None
    assert found.tolist() == pytest.approx([4 / 6, 2.0])


def test_none_are_given() -> None:
    assert class_weights(None, BINARY, part(1, 1)) is None


def test_classes_that_do_not_fit() -> None:
    with pytest.raises(UserError, match=r"lists 2 numbers, and there are 3 classes \(ash, fir"):
        class_weights([1, 2], CLASSES, part(1, 1, 1))
    with pytest.raises(UserError, match="weigh classes, and these data ask for none"):
        class_weights("balanced", Target("numbers", 1), part(1, 1))


@pytest.mark.parametrize("given", ["even", [], [1, 0], [1, -1], ["1"], [True], 3, [float("inf")]])
def test_no_weights_of_any_classes(given: Any) -> None:
    with pytest.raises(UserError, match=r"must be balanced, or a list of numbers above 0"):
        check_class_weights(given)
    check_class_weights([0.5, 2])
