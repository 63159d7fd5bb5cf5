"""How every picture looks: a paper's width, direct labels, colours for every eye and printer.

The colours are Okabe and Ito's (https://jfly.uni-koeln.de/color/), which people with any colour
blindness tell apart. Nothing is told by colour alone: baselines are dashed, verdicts are written.
"""

import math
from typing import Any

import matplotlib
from cycler import cycler
from matplotlib.axes import Axes

WIDTH = 6.8
"""Inches. At a phone's 400 pixels the smallest letters are then 8 pixels high."""

BLACK, GREY, PALE = "#000000", "#6E6E6E", "#E3E3E3"
BLUE, VERMILLION, GREEN = "#0072B2", "#D55E00", "#009E73"
PURPLE, ORANGE, SKY = "#CC79A7", "#E69F00", "#56B4E9"
COLORS = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
DASHES = ("-", (0, (6, 1.5)), (0, (1, 1)))
"""Of lines: the second and third time that a colour comes."""

# Darker is less: the order survives a grey print.
MAP = "cividis"

styled = matplotlib.rc_context(
    {
        "axes.axisbelow": True,
        "axes.edgecolor": GREY,
        "axes.grid": True,
        "axes.labelcolor": "#333333",
        "axes.labelsize": 9.5,
        "axes.prop_cycle": cycler(color=COLORS),
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "figure.constrained_layout.h_pad": 0.06,
        "figure.constrained_layout.w_pad": 0.08,
        "font.size": 9.5,
        "grid.color": PALE,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "lines.markersize": 5,
        "xtick.color": GREY,
        "xtick.labelcolor": "#333333",
        "xtick.labelsize": 9,
        "ytick.color": GREY,
        "ytick.labelcolor": "#333333",
        "ytick.labelsize": 9,
    }
)
"""Decorates a function that draws a picture."""


def line_style(number: int) -> tuple[str, Any]:
    """Colour and dashes of a picture's line by its number: no two lines look alike up to 18."""
    return COLORS[number % len(COLORS)], DASHES[number // len(COLORS) % len(DASHES)]


def label_ends(axes: Axes, ends: dict[str, tuple[float, str]]) -> None:
    """Writes names of lines at the right edge, beside their ends, none over another.

    Args:
        axes: all that shares its limits is drawn already.
        ends: name -> y of the line's end, and its colour.
    """
    low, high = axes.get_ylim()  # settles the limits, which the transform needs
    to_axes = axes.transData + axes.transAxes.inverted()
    heights = {
        name: high if math.isnan(y) else min(max(y, low), high) for name, (y, _) in ends.items()
    }
    wanted = {name: to_axes.transform((1, y))[1] for name, y in heights.items()}
    names = sorted(ends, key=lambda name: wanted[name])
    line = 0.16 * axes.figure.dpi / axes.bbox.height  # of text, as a share of the axes
    places = spread([wanted[name] for name in names], line)
    for name, place in zip(names, places, strict=True):
        axes.annotate(
            name,
            xy=(1, heights[name]),
            xycoords=("axes fraction", "data"),
            xytext=(1.045, place),
            textcoords="axes fraction",
            color=ends[name][1],
            va="center",
            fontsize=9,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": ends[name][1], "linewidth": 0.7,
                        "shrinkA": 0, "shrinkB": 0},
        )  # fmt: skip


def spread(places: list[float], gap: float) -> list[float]:
    """Ascending places moved as little as it takes to lie ``gap`` apart, each group around its
    mean.

    Example:
        >>> spread([0.0, 0.5, 0.5], 0.25)
        [0.0, 0.375, 0.625]
    """
    groups: list[list[float]] = []  # the wanted places of neighbours that touch
    for place in places:
        groups.append([place])
        while len(groups) > 1 and _low(groups[-1], gap) - _high(groups[-2], gap) < gap:
            groups[-2:] = [groups[-2] + groups[-1]]
    return [_low(group, gap) + gap * i for group in groups for i in range(len(group))]


def _low(group: list[float], gap: float) -> float:
    return sum(group) / len(group) - gap * (len(group) - 1) / 2


def _high(group: list[float], gap: float) -> float:
    return _low(group, gap) + gap * (len(group) - 1)
