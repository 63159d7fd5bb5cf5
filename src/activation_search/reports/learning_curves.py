"""Learning curves of runs, from their results on the disk."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_search.style import BLACK, WIDTH, label_ends, line_style, styled
from activation_search.training.result import read_result

LONGEST = 26  # letters of a name that stands beside its line; longer ones stand below


def distinct(labels: Mapping[int, str]) -> dict[int, str]:
    """Labels that name one row each: where rows share one, their rank is before it.

    Args:
        labels: rank -> label.
    """
    uses = Counter(labels.values())
    return {
        rank: label if uses[label] == 1 else f"{rank}-{label}" for rank, label in labels.items()
    }


@styled
def draw_learning_curves(
    runs: Mapping[str, Sequence[str]], metric: str, baselines: Sequence[str]
) -> Figure:
    """Validation metric by epoch: mean over the runs of a label, band from lowest to highest.

    Args:
        runs: label -> run directories; one that cannot be read is left out.
        metric: without its split.
        baselines: labels that are black and dashed.
    """
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    ends: dict[str, tuple[float, str]] = {}
    late: list[float] = []
    most = 0
    for label, directories in runs.items():
        curves = [c for c in (_curve(Path(d), f"val_{metric}") for d in directories) if c]
        if not curves:
            continue
        length = min(map(len, curves))
        table = np.array([curve[:length] for curve in curves])
        epochs = range(1, length + 1)
        color, dashes = (BLACK, (0, (4, 1.5))) if label in baselines else line_style(len(ends))
        [line] = axes.plot(epochs, table.mean(0), color=color, label=label)
        line.set_linestyle(dashes)
        if len(curves) > 1:
            axes.fill_between(
                epochs, table.min(0), table.max(0), color=color, alpha=0.12, linewidth=0
            )
        named = label in baselines and label != "baseline"
        ends[f"{label} (baseline)" if named else label] = (table.mean(0)[-1], color)
        late += [*table.mean(0)[length // 4 :], *table[:, -1]]
        most = max(most, len(curves))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel=f"validation {metric}")
    axes.set_title("line: mean over seeds; band: lowest to highest" if most > 1 else "one run each")
    axes.margins(x=0)
    if late and min(late) < max(late):
        # The first quarter, where all rise steeply, and a run's single bad epochs would press the
        # rest together.
        room = 0.08 * (max(late) - min(late))
        axes.set_ylim(min(late) - room, max(late) + room)
    if max(map(len, ends), default=0) <= LONGEST:
        label_ends(axes, ends)
    else:
        figure.set_figheight(3.8 + 0.2 * len(ends))
        lines = [line for line in axes.lines if line.get_label() in runs]
        figure.legend(lines, [*ends], loc="outside lower left")
    return figure


def _curve(directory: Path, name: str) -> list[float]:
    """The values of the epochs that have one; none of a run that is gone or damaged."""
    try:
        rows = read_result(directory).curve
    except (OSError, ValueError):
        return []  # on another machine, tidied away, or damaged
    return [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]
