"""A picture of a model's activation sites, in the order in which a sample passes them.

python scripts/sites.py model=function model.function=examples.own_model.build data=digits \
    --picture sites.png
"""

import math
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from matplotlib.figure import Figure

from activation_search.style import BLUE, GREY, PALE, WIDTH, styled

ROWS = 36  # of one column; a phone shows them all


class Step(NamedTuple):
    """A site on the path.

    site: its name. function: that the model has there. channels: of its input, as text. filled:
    whether ``activation=`` fills it. after: the layer before it. place: in the code. part: of the
    model, in whose band it stands; ``""`` for none.
    """

    site: str
    function: str
    channels: str = ""
    filled: bool = True
    after: str = ""
    place: str = ""
    part: str = ""


@styled
def draw_path(steps: Sequence[Step]) -> Figure:
    """Sites from top to bottom: dots are filled by ``activation=``, rings are chosen by name; bands
    are the model's parts."""
    count = math.ceil(len(steps) / ROWS)
    rows = math.ceil(len(steps) / count)
    size = (WIDTH * max(1, count), 0.7 + 0.27 * rows)
    figure = Figure(figsize=size, layout="constrained")
    for number, axes in enumerate(figure.subplots(1, count, squeeze=False)[0]):
        column = steps[number * rows : (number + 1) * rows]
        axes.plot([0, 0], [0.6, 0.4 - len(column)], color=GREY, linewidth=1, zorder=1)
        line = 0
        for part, inside in groupby(column, key=lambda step: step.part):
            size_of_part = len(list(inside))
            if part:
                low, high = -line - size_of_part + 0.55, -line + 0.45
                axes.axhspan(low, high, color=PALE, alpha=0.6, zorder=0)
                axes.text(-0.06, (low + high) / 2, part, ha="right", va="center", color=GREY)
            line += size_of_part
        for line, step in enumerate(column):
            face = BLUE if step.filled else "white"
            axes.plot(0, -line, "o", color=BLUE, markerfacecolor=face, markersize=7)
            axes.text(0.06, -line, step.site, va="center", weight="bold")
            told = [step.function, *[f"{step.channels} channels"] * bool(step.channels)]
            told += [f"after {step.after}"] * bool(step.after)
            axes.text(0.75, -line, ", ".join(told), va="center", color=GREY, fontsize=8.5)
        axes.set(xlim=(-0.5, 2.1), ylim=(0.4 - rows, 0.7))
        axes.axis("off")
    figure.suptitle("dots: filled by activation=   rings: by name", x=0.02, ha="left",
                    fontsize=9, color=GREY)  # fmt: skip
    return figure
