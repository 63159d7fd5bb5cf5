"""What cannot be had both better and cheaper: the Pareto front of a metric against a cost."""

import math
from collections.abc import Sequence

PARAMETERS, MILLISECONDS = "parameters", "milliseconds"
# Costs, the lower the better, by the heading of their column.
COSTS = {PARAMETERS: "params", MILLISECONDS: "ms/step"}


def pareto_front(values: Sequence[float], costs: Sequence[float], mode: str) -> list[bool]:
    """Which points no other one beats: none is at least as good in both and better in one.

    Equal points are all on the front, or none of them is.

    Args:
        values: the metric of each point.
        costs: of each point, the lower the better.
        mode: ``"max"`` or ``"min"``, which values are better.

    Example:
        pareto_front([0.9, 0.8, 0.7], [50, 20, 30], "max")  # [True, True, False]
    """
    losses = [-value for value in values] if mode == "max" else list(values)
    points = list(zip(costs, losses, strict=True))
    front = [False] * len(points)
    last = (math.inf, math.inf)  # of the front, which falls from the cheapest point on
    for i in sorted(range(len(points)), key=points.__getitem__):
        if points[i][1] < last[1] or points[i] == last:
            front[i], last = True, points[i]
    return front


def front_marks(
    values: Sequence[float],
    parameters: Sequence[float],
    milliseconds: Sequence[float],
    mode: str,
) -> list[str]:
    """For each point the cost on whose front it is, by its heading, such as ``"params"``;
    ``"both"``, or nothing.

    Args:
        values: the metric of each point.
        parameters, milliseconds: its costs.
        mode: ``"max"`` or ``"min"``, which values are better.
    """
    small, fast = (pareto_front(values, costs, mode) for costs in (parameters, milliseconds))
    headings = {
        (True, True): "both",
        (True, False): COSTS[PARAMETERS],
        (False, True): COSTS[MILLISECONDS],
        (False, False): "",
    }
    return [headings[on] for on in zip(small, fast, strict=True)]
