"""Pictures of a comparison."""

import math
from pathlib import Path

import pytest

from activation_search.config.compose import compose
from activation_search.evidence.results import Arm, Block
from activation_search.evidence.statistics import compare
from activation_search.reports.comparison_figures import draw_forest, draw_functions, draw_pairs
from activation_search.reports.pictures import write_picture
from activation_search.training.result import RunResult, read_result

pytestmark = pytest.mark.paints

VALUES = {
    "relu": [0.90, 0.91, 0.92, 0.90, 0.91, 0.92],
    "gelu": [0.95, 0.96, 0.98, 0.95, 0.97, 0.97],
    "tanh": [0.91, 0.90, 0.92, 0.91, 0.90, 0.93],
    "gone": [0.90, None, 0.92, 0.90, 0.91, 0.92],
}


def block() -> Block:
    arms = {
        name: Arm(values, values, [], 10, 0.001, 0.01, {"hidden1": name})
        for name, values in VALUES.items()
    }
    others = {name: VALUES[name] for name in ("gelu", "tanh")}
    found = compare(VALUES["relu"], others, "max")
    return Block("mlp", "digits", "accuracy", "max", "relu", list(range(6)), arms, found)


def test_every_candidate_has_its_row_and_its_verdict() -> None:
    axes = draw_forest(block()).axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["gone", "relu", "tanh", "gelu"]
    assert [text.get_text() for text in axes.texts] == [
        "diverged on 1 of 6 seeds",
        "baseline, mean 0.9100",
        "+0.0017  undecided",
        "+0.0533  better",
    ]
    low, high = axes.get_xlim()
    ends = [x for line in axes.lines[1:] for x in line.get_xdata()]
    room = 0.05 * (max(ends) - min(ends))
    assert low < min(ends) - room
    assert high > max(ends) + room


def test_the_baseline_is_named_where_seeds_are_joined() -> None:
    figure = draw_pairs(block())
    assert figure is not None
    axes = figure.axes[0]
    names = [tick.get_text() for tick in axes.get_xticklabels()]
    assert names == ["gelu", "tanh", "relu (baseline)"]


def test_where_all_diverged_no_seeds_are_joined() -> None:
    found = block()
    found.arms = {name: found.arms[name] for name in ("gone",)}
    assert draw_pairs(found) is None


def test_long_names_leave_room_for_the_picture(tmp_path: Path) -> None:
    """Warnings are errors: matplotlib's that no room is left for the axes is one of them."""
    long = " ".join(f"block{i}_mlp=penalized_tanh" for i in range(4))
    found = block()
    found.arms[long] = found.arms.pop("gelu")
    found.comparisons[long] = found.comparisons.pop("gelu")
    for draw in (draw_forest, draw_pairs):
        write_picture(draw(found), tmp_path / "picture.png")


def test_functions_of_a_run_that_did_not_finish_are_not_drawn(tmp_path: Path) -> None:
    config = compose(["model=mlp", "data=digits", "activation=prelu"]).as_dict()
    learned = {"hidden1": {"weight": [math.nan]}}
    assigned = {"hidden1": "prelu"}
    for status in ("diverged", "finished"):
        RunResult(str(tmp_path), config, status, learned=learned, assignment=assigned).write()
        assert math.isnan(read_result(tmp_path).learned["hidden1"]["weight"][0])
        arm = Arm([None], [None], [str(tmp_path)], 1, 0.0, 0.1, assigned)
        block = Block("mlp", "digits", "accuracy", "max", "prelu", [0], {"prelu": arm})
        assert (draw_functions(block) is None) == (status == "diverged")
