"""The picture of metric against costs."""

import pytest

from activation_search.reports.cost_figures import Priced, draw_costs, draw_row_costs
from activation_search.search.leaderboard import LeaderboardRow
from activation_search.training.result import FINISHED

pytestmark = pytest.mark.paints

POINTS = [
    Priced("relu", 0.8, 100, 3.0),
    Priced("gelu", 0.9, 300, 4.0),
    Priced("tanh", 0.7, 200, 1.0),
    Priced("elu", 0.6, 5000, 5.0),
]


def test_the_fronts_are_joined_from_the_cheapest_on() -> None:
    small, fast = draw_costs(POINTS, "test accuracy", "max").axes
    others, front = small.lines
    assert list(front.get_xydata().tolist()) == [[100, 0.8], [300, 0.9]]
    assert sorted(others.get_xydata().tolist()) == [[200, 0.7], [5000, 0.6]]
    assert fast.lines[1].get_xydata().tolist() == [[1.0, 0.7], [3.0, 0.8], [4.0, 0.9]]
    assert (small.get_xscale(), fast.get_xscale()) == ("log", "linear")
    smallest = draw_costs(POINTS, "test mse", "min").axes[0]
    assert smallest.lines[1].get_xydata().tolist() == [[100, 0.8], [200, 0.7], [5000, 0.6]]


def test_names_stand_beside_their_points_and_never_on_each_other() -> None:
    for axes in draw_costs(POINTS, "test accuracy", "max").axes:
        assert {text.get_text() for text in axes.texts} == {"relu", "gelu", "tanh", "elu"}
    crowd = [Priced(f"other{i}", 0.5, 100, 2.0) for i in range(9)]
    axes = draw_costs([Priced("best", 0.9, 50, 1.0), *crowd], "test accuracy", "max").axes[0]
    texts = [text.get_text() for text in axes.texts]
    assert texts[0] == "best"
    assert 1 < len(texts) <= 5  # one on each side of the point that nine share


def test_rows_with_long_names_are_called_by_their_rank() -> None:
    rows = [
        LeaderboardRow({"activation": "gelu"}, FINISHED, values=[0.9], times=[1.0]),
        LeaderboardRow({f"conv{i}": "leaky_relu" for i in range(3)}, FINISHED, values=[0.8]),
    ]
    figure = draw_row_costs(rows, "accuracy", "max")
    assert figure is not None
    assert {text.get_text() for text in figure.axes[0].texts} == {"gelu", "#2"}
    assert draw_row_costs([LeaderboardRow({}, FINISHED)], "accuracy", "max") is None
