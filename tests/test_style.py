"""What pictures share."""

import math

import pytest
from matplotlib.figure import Figure

from activation_search.style import BLACK, label_ends, line_style, spread


@pytest.mark.parametrize(
    ("places", "apart"),
    [
        ([], []),
        ([0.2, 0.9], [0.2, 0.9]),
        ([0.0, 0.5, 0.5], [0.0, 0.375, 0.625]),
        ([0.5, 0.5, 0.5], [0.25, 0.5, 0.75]),
        ([0.0, 0.25, 0.3], [-0.0667, 0.1833, 0.4333]),  # the second is pushed onto the first
    ],
)
def test_labels_are_spread(places: list[float], apart: list[float]) -> None:
    assert spread(places, 0.25) == pytest.approx(apart, abs=1e-4)


def test_labels_stand_in_the_order_of_their_lines() -> None:
    axes = Figure().subplots()
    axes.plot([0, 1], [0, 1])
    label_ends(axes, {"high": (1.0, BLACK), "low": (0.0, BLACK), "none": (math.nan, BLACK)})
    texts = sorted(axes.texts, key=lambda text: text.xyann[1])
    assert [text.get_text() for text in texts] == ["low", "high", "none"]
    assert [text.xy[1] for text in texts] == [0.0, 1.0, axes.get_ylim()[1]]


def test_no_two_of_eighteen_lines_look_alike() -> None:
    assert len({line_style(number) for number in range(18)}) == 18
