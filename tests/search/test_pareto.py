"""Pareto fronts of points whose front is known."""

import pytest

from activation_search.search.pareto import front_marks, pareto_front


@pytest.mark.parametrize(
    ("values", "costs", "mode", "front"),
    [
        ([], [], "max", []),
        ([0.5], [10], "max", [True]),
        ([0.9, 0.8, 0.7], [50, 20, 30], "max", [True, True, False]),
        ([0.1, 0.2, 0.3], [50, 20, 30], "min", [True, True, False]),
        # Equally good, the cheaper one; equally cheap, the better one.
        ([0.9, 0.9, 0.8], [10, 20, 10], "max", [True, False, False]),
        ([0.9, 0.9, 0.8, 0.8], [20, 20, 10, 10], "max", [True, True, True, True]),
        ([0.9, 0.8, 0.9], [10, 10, 10], "max", [True, False, True]),
        ([-5.0, -1.0, -3.0], [1.0, 3.0, 2.0], "max", [True, True, True]),
    ],
)
def test_front(values: list[float], costs: list[float], mode: str, front: list[bool]) -> None:
    assert pareto_front(values, costs, mode) == front


def test_marks_name_the_costs() -> None:
    values = [0.9, 0.8, 0.7, 0.6]
    assert front_marks(values, [40, 30, 30, 20], [1, 2, 0.5, 3], "max") == [
        "both", "params", "ms/step", "params",
    ]  # fmt: skip
