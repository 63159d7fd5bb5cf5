"""Pictures of a study. Drawn without pyplot, whose global state they do not need."""

import json
import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_search.search.leaderboard import Row
from activation_search.training.result import FINISHED, RESULT_FILE


def write_figures(rows: Sequence[Row], metric: str, mode: str, folder: Path) -> list[Path]:
    """All pictures that the rows have something for, as PNG.

    Args:
        rows: of the leaderboard, best first.
        metric: what the study optimises, and ``mode`` in which direction.
        folder: where they go.
    """
    finished = [row for row in rows if row.status == FINISHED]
    if not finished:
        return []
    figures = {
        "by_activation.png": draw_by_activation(finished, metric),
        "history.png": draw_history(finished, metric, mode),
        "curves.png": draw_learning_curves(finished, metric),
    }
    if len({tuple(row.assignment) for row in finished}) == 1 and _per_site(finished):
        figures["sites.png"] = draw_site_map(finished, metric)
    paths = []
    for name, figure in figures.items():
        figure.savefig(folder / name, dpi=120)
        paths.append(folder / name)
    return paths


def _per_site(rows: Sequence[Row]) -> bool:
    return any(len(set(row.assignment.values())) > 1 for row in rows)


def _values_by_activation(rows: Sequence[Row]) -> dict[str, list[float]]:
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name in set(row.assignment.values()):
            values[name] += row.values
    return values


def draw_by_activation(rows: Sequence[Row], metric: str) -> Figure:
    """Every run as a point in the line of each activation that it has anywhere, sorted by the
    mean, which is a bar."""
    values = _values_by_activation(rows)
    names = sorted(values, key=lambda name: statistics.fmean(values[name]))
    figure = Figure(figsize=(7, 1 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    for line, name in enumerate(names):
        axes.plot(values[name], [line] * len(values[name]), "o", alpha=0.4, color="tab:blue")
        axes.plot(statistics.fmean(values[name]), line, "|", markersize=16, color="tab:orange")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=f"validation {metric}", title="runs by activation (anywhere in the model)")
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_site_map(rows: Sequence[Row], metric: str) -> Figure:
    """Mean over the runs with a given activation at a given site; the number of runs beside it."""
    sites = [s for s in rows[0].assignment if len({row.assignment[s] for row in rows}) > 1]
    names = sorted({row.assignment[site] for row in rows for site in sites})
    grid = np.full((len(names), len(sites)), math.nan)
    counts = np.zeros((len(names), len(sites)), int)
    for i, name in enumerate(names):
        for j, site in enumerate(sites):
            values = [v for row in rows if row.assignment[site] == name for v in row.values]
            counts[i, j] = len(values)
            if values:
                grid[i, j] = statistics.fmean(values)
    width = max(5, 2 + 1.1 * len(sites))
    figure = Figure(figsize=(width, 1.6 + 0.32 * len(names)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(grid, aspect="auto", cmap="viridis")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for i, j in zip(*np.nonzero(counts), strict=True):
        color = "white" if grid[i, j] < middle else "black"
        text = f"{grid[i, j]:.3f} ({counts[i, j]})"
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=7)
    axes.set_xticks(range(len(sites)), sites, rotation=20, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"mean validation {metric} (runs)")
    figure.colorbar(image, ax=axes)
    return figure


def draw_history(rows: Sequence[Row], metric: str, mode: str) -> Figure:
    """Every trial in the order of its number, and the best so far."""
    trials = sorted((n, v) for row in rows for n, v in zip(row.trials, row.means, strict=False))
    numbers = [number for number, _ in trials]
    values = [value for _, value in trials]
    best = (np.maximum if mode == "max" else np.minimum).accumulate(values)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(numbers, values, "o", alpha=0.5, label="trial")
    axes.step(numbers, best, where="post", color="tab:orange", label="best so far")
    axes.set(xlabel="trial", ylabel=f"validation {metric}")
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def draw_learning_curves(rows: Sequence[Row], metric: str, best: int = 3) -> Figure:
    """Validation metric by epoch of the best few, and of the baseline."""
    chosen = list(rows[:best])
    chosen += [row for row in rows[best:] if is_baseline(row)][:1]
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for number, row in enumerate(chosen):
        style = "--" if is_baseline(row) else "-"
        for i, directory in enumerate(row.directories):
            epochs, values = _curve(Path(directory), f"val_{metric}")
            label = row.label if i == 0 else None
            axes.plot(epochs, values, style, color=f"C{number}", alpha=0.8, label=label)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel=f"validation {metric}", title="the best, and the baseline")
    axes.legend(fontsize=7)
    axes.grid(alpha=0.3)
    return figure


def is_baseline(row: Row) -> bool:
    """A control, or ReLU at every site; for an LSTM sigmoid and tanh."""
    return row.control or set(row.assignment.values()) in ({"relu"}, {"sigmoid", "tanh"})


def _curve(directory: Path, name: str) -> tuple[list[int], list[float]]:
    try:
        rows = json.loads((directory / RESULT_FILE).read_text())["curve"]
    except OSError:
        return [], []  # on another machine, or tidied away
    rows = [row for row in rows if row.get(name) is not None]
    return [int(row["epoch"]) + 1 for row in rows], [row[name] for row in rows]
