"""What activations have learned, as one curve and as a formula."""

import pytest
import torch

from activation_search.activations.formula.expression import constants
from activation_search.discovery.learned import X, freeze, mean_curve
from activation_search.errors import UserError
from activation_search.training.result import RunResult


def result(learned: dict, assignment: dict[str, str]) -> RunResult:
    return RunResult(
        directory="logs/a", config={}, status="finished", learned=learned, assignment=assignment
    )


def test_mean_over_sites_channels_and_runs() -> None:
    prelu = result({"fc1": {"weight": [0.1, 0.3]}}, {"fc1": "prelu"})
    other = result({"fc1": {"weight": [0.4]}}, {"fc1": "prelu(sharing=layer)", "fc2": "relu"})
    # Slopes 0.2 and 0.4 below zero.
    expected = torch.where(X > 0, X, 0.3 * X)
    torch.testing.assert_close(mean_curve([prelu, other]), expected)


def test_a_formula_for_it() -> None:
    learned = result({"fc1": {"beta": [1.0, 1.0]}}, {"fc1": "swish_beta"})
    found = freeze([learned], tries=400)
    assert found.error < 1e-6
    assert found.values == {}
    assert constants(found.expression) == ()


def test_constants_become_numbers() -> None:
    learned = result({"fc1": {"weight": [0.25]}}, {"fc1": "prelu"})
    found = freeze([learned], tries=300)
    assert found.error < 0.01
    assert constants(found.expression) == ()


def test_nothing_was_learned() -> None:
    with pytest.raises(UserError, match="No activation of logs/a has learned a curve; train with"):
        mean_curve([result({}, {"fc1": "relu"})])
