"""A run in words: what its activations learned."""

import math
from typing import Any

import pytest

from activation_search.reports.summary import summary
from activation_search.training.result import RunResult

from ..pretend import pretend


@pytest.fixture
def result(here: None, tmp_path) -> RunResult:
    from activation_search.config.compose import compose

    return pretend(compose(["model=mlp", "data=digits", f"logs={tmp_path}"]), [0.5])


@pytest.mark.parametrize(
    ("learned", "text"),
    [
        ([0.25, 0.118, -0.004], "relu; w 0.00 to 0.25"),
        ([0.251, 0.249], "relu; w 0.25"),
        (1.5, "relu; w 1.50"),  # of a parameter that is a single number
        ([[0.1, 0.2], [0.3, 0.4]], "relu"),  # a curve per channel
        ([], "relu"),
        ([1.0, math.nan, 3.0], "relu; w nan"),
        ([None, 1.0], "relu; w nan"),  # NaN, as a file has it
    ],
)
def test_learned_numbers(result: RunResult, learned: Any, text: str) -> None:
    result.learned = {"hidden1": {"w": learned}}
    rows = dict(summary(result))
    assert (rows["hidden1"], rows["hidden2"]) == (text, "relu")


def test_constants_of_formulas_and_many_sites(result: RunResult) -> None:
    result.assignment = {f"hidden{i}": "formula(a * x)" for i in range(12)}
    result.learned = {f"hidden{i}": {"constants.a": [i / 10]} for i in range(12)}
    assert dict(summary(result))["hidden0 … (12 sites)"] == "formula(a * x); a 0.00 to 1.10"
