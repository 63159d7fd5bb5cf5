"""Metric against what it costs: parameters and milliseconds per step, with the Pareto fronts."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from matplotlib.transforms import Bbox

from activation_search.evidence.results import Block, numbers
from activation_search.search.leaderboard import LeaderboardRow
from activation_search.search.pareto import pareto_front
from activation_search.style import BLUE, GREY, WIDTH, styled

Place = tuple[tuple[int, int], str, str]

LONGEST_NAME = 24  # characters; a longer one would cover other points
FRONT_COLOR, OTHER_COLOR = BLUE, GREY
# Where a name may stand beside its point: offset in points, and which of its ends is there.
ABOVE, BELOW = ((0, 6), "center", "bottom"), ((0, -6), "center", "top")
RIGHT, LEFT = ((6, 0), "left", "center"), ((-6, 0), "right", "center")
# The side that the front's line leaves free comes first.
PLACES = {"max": (ABOVE, LEFT, RIGHT, BELOW), "min": (BELOW, LEFT, RIGHT, ABOVE)}


@dataclass(frozen=True)
class Priced:
    """A point of the picture.

    Attributes:
        name: written beside it.
        value: its metric.
        parameters: their number.
        milliseconds: per training step, a mean.
    """

    name: str
    value: float
    parameters: float
    milliseconds: float


def draw_row_costs(rows: Sequence[LeaderboardRow], metric: str, mode: str) -> Figure | None:
    """The rows of a leaderboard, the best first; ``None`` where none has a metric. Rows with long
    names are called by their rank."""
    points = [
        Priced(
            row.label if len(row.label) <= LONGEST_NAME else f"#{rank}",
            row.mean,
            row.parameters,
            row.ms_per_step or 0.0,
        )
        for rank, row in enumerate(rows, start=1)
        if row.mean is not None
    ]
    return draw_costs(points, f"validation {metric}", mode) if points else None


def draw_arm_costs(block: Block) -> Figure | None:
    """The candidates of a comparison that did not diverge; ``None`` where all did."""
    points = [
        Priced(
            label, statistics.fmean(numbers(arm.values)), arm.parameters, 1000 * arm.step_seconds
        )
        for label, arm in block.arms.items()
        if not arm.diverged
    ]
    return draw_costs(points, f"test {block.metric}", block.mode) if points else None


@styled
def draw_costs(points: Sequence[Priced], metric: str, mode: str) -> Figure:
    """Metric against parameters, and against milliseconds per step. What no other point beats is
    bold and joined by a step line, which is the best that can be had at a cost.

    Args:
        points: one or more. A name is left out where it would cover another; those of a front stay.
        metric: label of the vertical axis.
        mode: ``"max"`` or ``"min"``, which values are better.
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    canvas = FigureCanvasAgg(figure)
    figure.suptitle("line: Pareto front, the best that can be had at a cost")
    left, right = figure.subplots(1, 2, sharey=True)
    left.set(xlabel="parameters", ylabel=metric)
    right.set(xlabel="milliseconds per step")
    values = [point.value for point in points]
    drawn = [
        (axes, costs, pareto_front(values, costs, mode))
        for axes, costs in (
            (left, [point.parameters for point in points]),
            (right, [point.milliseconds for point in points]),
        )
    ]
    for axes, costs, front in drawn:
        _draw_front(axes, costs, values, front)
    figure.draw_without_rendering()  # so that names are placed where the axes come to lie
    for axes, costs, front in drawn:
        _place_names(axes, canvas, points, costs, front, PLACES[mode])
    return figure


def _draw_front(
    axes: Axes, costs: Sequence[float], values: Sequence[float], front: Sequence[bool]
) -> None:
    points = sorted(zip(costs, values, front, strict=True))
    for style, on, color in (("o", False, OTHER_COLOR), ("o-", True, FRONT_COLOR)):
        x, y = ([point[i] for point in points if point[2] == on] for i in (0, 1))
        axes.plot(x, y, style, color=color, drawstyle="steps-post", markersize=5)
    axes.margins(0.15)
    if min(costs) > 0 and max(costs) > 10 * min(costs):
        axes.set_xscale("log")


def _place_names(
    axes: Axes,
    canvas: FigureCanvasAgg,
    points: Sequence[Priced],
    costs: Sequence[float],
    front: Sequence[bool],
    places: Sequence[Place],
) -> None:
    """Writes each name where there is room; those of the front choose first, and stand anyway."""
    renderer, inside = canvas.get_renderer(), axes.get_window_extent()
    spots = axes.transData.transform(list(zip(costs, [p.value for p in points], strict=True)))
    taken = [Bbox.from_bounds(x - 4, y - 4, 8, 8) for x, y in spots]
    for on, point, cost in sorted(zip(front, points, costs, strict=True), key=lambda p: not p[0]):
        for place in places:
            text = _write(axes, point.name, cost, point.value, place)
            box = text.get_window_extent(renderer)
            within = inside.containsx(box.x0) and inside.containsx(box.x1)
            if within and not box.count_overlaps(taken):
                taken.append(box)
                break
            text.remove()
        else:
            if on:
                _write(axes, point.name, cost, point.value, places[0])


def _write(axes: Axes, name: str, x: float, y: float, place: Place) -> Annotation:
    offset, horizontal, vertical = place
    return axes.annotate(
        name,
        (x, y),
        xytext=offset,
        textcoords="offset points",
        fontsize=8,
        ha=horizontal,
        va=vertical,
        in_layout=False,
    )
