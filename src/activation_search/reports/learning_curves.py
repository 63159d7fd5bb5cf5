"""Learning curves of runs, from their results on the disk."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_search.training.result import read_result


def draw_learning_curves(
    runs: Mapping[str, Sequence[str]], metric: str, baselines: Sequence[str]
) -> Figure:
    """Validation metric by epoch: mean over the runs of a label, band from lowest to highest.

    Args:
        runs: label -> run directories; one that cannot be read is left out.
        metric: without its split.
        baselines: labels that are dashed.
    """
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, (label, directories) in enumerate(runs.items()):
        curves = [c for c in (_curve(Path(d), f"val_{metric}") for d in directories) if c]
        if not curves:
            continue
        length = min(map(len, curves))
        table = np.array([curve[:length] for curve in curves])
        epochs = range(1, length + 1)
        style = "--" if label in baselines else "-"
        axes.plot(epochs, table.mean(0), style, color=f"C{number}", label=label)
        if len(curves) > 1:
            axes.fill_between(
                epochs, table.min(0), table.max(0), color=f"C{number}", alpha=0.12, linewidth=0
            )
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel=f"validation {metric}")
    axes.set_title("mean over runs, band: lowest to highest", fontsize=9)
    if axes.lines:
        axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure


def _curve(directory: Path, name: str) -> list[float]:
    """The values of the epochs that have one; none of a run that is gone or damaged."""
    try:
        rows = read_result(directory).curve
    except (OSError, ValueError):
        return []  # on another machine, tidied away, or damaged
    return [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]
