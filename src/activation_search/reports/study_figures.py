"""Pictures of a study. Drawn without pyplot, whose global state they do not need."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from activation_search.reports.cost_figures import draw_row_costs
from activation_search.reports.learning_curves import draw_learning_curves
from activation_search.reports.pictures import write_picture
from activation_search.search.leaderboard import LeaderboardRow
from activation_search.search.sweep import Sweep
from activation_search.training.result import FINISHED, PRUNED


def write_figures(sweep: Sweep) -> list[Path]:
    """All pictures that a study has something for, as PNG in its folder."""
    finished = [row for row in sweep.rows if row.status == FINISHED]
    pruned = [row for row in sweep.rows if row.status == PRUNED]
    if not finished:
        return []
    metric = sweep.metric
    figures = {
        "by_activation.png": draw_by_activation(finished, pruned, metric, sweep.mode),
        "history.png": draw_history(finished, metric, sweep.mode),
        "curves.png": draw_best(finished, sweep.baseline, metric),
    }
    if costs := draw_row_costs(finished, metric, sweep.mode):
        figures["costs.png"] = costs
    if sites := _sites_that_differ(finished):
        figures["sites.png"] = draw_site_map(finished, sites, metric, sweep.mode)
    return [write_picture(figure, sweep.folder / name) for name, figure in figures.items()]


def _sites_that_differ(rows: Sequence[LeaderboardRow]) -> list[str]:
    """The sites that were searched one by one; none where every row has the same everywhere, or
    rows have other sites than each other."""
    if len({tuple(row.assignment) for row in rows}) > 1:
        return []
    sites = [s for s in rows[0].assignment if len({row.assignment[s] for row in rows}) > 1]
    alike = all(len({row.assignment[site] for site in sites}) == 1 for row in rows)
    return [] if alike else sites


def _values_by_activation(rows: Sequence[LeaderboardRow]) -> dict[str, list[float]]:
    """Name of an activation, without its parameters -> values of the runs that have it."""
    values: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        for name in {text.partition("(")[0] for text in row.assignment.values()}:
            values[name] += row.values
    return values


def draw_by_activation(
    rows: Sequence[LeaderboardRow], pruned: Sequence[LeaderboardRow], metric: str, mode: str
) -> Figure:
    """Every run as a point in the line of each activation that it has anywhere, sorted by the
    mean, which is a bar, the best on top; pruned runs as crosses, at their last value."""
    values = _values_by_activation(rows)
    stopped = _values_by_activation(pruned)
    names = sorted(values, key=lambda name: statistics.fmean(values[name]), reverse=mode == "min")
    names = [*(name for name in stopped if name not in values), *names]
    figure = Figure(figsize=(7, 1 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    for line, name in enumerate(names):
        for style, found in (("o", values.get(name, [])), ("x", stopped.get(name, []))):
            axes.plot(found, [line] * len(found), style, alpha=0.4, color="tab:blue")
        if name in values:
            axes.plot(statistics.fmean(values[name]), line, "|", markersize=16, color="tab:orange")
    axes.set_yticks(range(len(names)), names)
    axes.set(xlabel=f"validation {metric}", title="runs by activation (anywhere in the model)")
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_site_map(
    rows: Sequence[LeaderboardRow], sites: Sequence[str], metric: str, mode: str
) -> Figure:
    """Mean over the runs with a given activation at a given site, the brighter the better; the
    number of runs beside it."""
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
    image = axes.imshow(grid, aspect="auto", cmap="viridis" if mode == "max" else "viridis_r")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for i, j in zip(*np.nonzero(counts), strict=True):
        dark = (grid[i, j] < middle) == (mode == "max")
        color = "white" if dark else "black"
        text = f"{grid[i, j]:.3f} ({counts[i, j]})"
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=7)
    axes.set_xticks(range(len(sites)), sites, rotation=20, ha="right")
    axes.set_yticks(range(len(names)), names)
    axes.set_title(f"mean validation {metric} (runs)")
    figure.colorbar(image, ax=axes)
    return figure


def draw_history(rows: Sequence[LeaderboardRow], metric: str, mode: str) -> Figure:
    """Every trial in the order of its number, and the best so far."""
    trials = sorted(pair for row in rows for pair in row.means.items())
    numbers, values = zip(*trials, strict=True)
    best = (np.maximum if mode == "max" else np.minimum).accumulate(values)
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(numbers, values, "o", alpha=0.5, label="trial")
    axes.step(numbers, best, where="post", color="tab:orange", label="best so far")
    axes.set(xlabel="trial", ylabel=f"validation {metric}")
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


def draw_best(
    rows: Sequence[LeaderboardRow], baseline: dict[str, str], metric: str, best: int = 3
) -> Figure:
    """Learning curves of the best few, and of the baseline."""

    def is_baseline(row: LeaderboardRow) -> bool:
        return row.control or row.assignment == baseline

    chosen = [*rows[:best], *[row for row in rows[best:] if is_baseline(row)][:1]]
    return draw_learning_curves(
        {row.label: row.directories for row in chosen},
        metric,
        [row.label for row in chosen if is_baseline(row)],
    )
