"""Pictures of a study. Drawn without pyplot, whose global state they do not need."""

import math
import statistics
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_search.console import in_short
from activation_search.reports.cost_figures import draw_row_costs
from activation_search.reports.learning_curves import distinct, draw_learning_curves
from activation_search.reports.pictures import write_picture
from activation_search.search.leaderboard import LeaderboardRow
from activation_search.search.sweep import Sweep
from activation_search.style import BLACK, BLUE, MAP, VERMILLION, WIDTH, label_ends, styled
from activation_search.training.result import FINISHED, PRUNED


def write_figures(sweep: Sweep) -> list[Path]:
    """All pictures that a study has something for, as PNG in its folder."""
    # A metric may be undefined, or overflow, in a run that finished.
    finished = [row for row in sweep.rows if row.status == FINISHED and row.values]
    pruned = [row for row in sweep.rows if row.status == PRUNED]
    if not finished:
        return []
    metric = sweep.metric
    figures = {
        "by_activation.png": draw_by_activation(
            finished,
            pruned,
            metric,
            sweep.mode,
            next((row.mean for row in finished if _is(sweep.baseline, row)), None),
        ),
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


@styled
def draw_by_activation(
    rows: Sequence[LeaderboardRow],
    pruned: Sequence[LeaderboardRow],
    metric: str,
    mode: str,
    baseline: float | None = None,
) -> Figure:
    """Every run as a point in the line of each activation that it has anywhere, sorted by the
    mean, which is a bar, the best on top; pruned runs as crosses, at their last value; the
    baseline's mean as a dashed line."""
    values = _values_by_activation(rows)
    stopped = _values_by_activation(pruned)
    names = sorted(values, key=lambda name: statistics.fmean(values[name]), reverse=mode == "min")
    names = [*(name for name in stopped if name not in values), *names]
    figure = Figure(figsize=(WIDTH, 1.2 + 0.27 * len(names)), layout="constrained")
    axes = figure.subplots()
    for line, name in enumerate(names):
        for style, found in (("o", values.get(name, [])), ("x", stopped.get(name, []))):
            axes.plot(found, [line] * len(found), style, alpha=0.5, color=BLUE)
        if name in values:
            mean = statistics.fmean(values[name])
            axes.plot(mean, line, "|", markersize=15, markeredgewidth=2.5, color=VERMILLION)
            text = f"{in_short(mean)}  ({len(values[name])})"
            axes.text(1.02, line, text, va="center", fontsize=9,
                      transform=axes.get_yaxis_transform())  # fmt: skip
    if baseline is not None:
        axes.axvline(baseline, color=BLACK, linewidth=1, linestyle="--")
        axes.text(baseline, 1.01, "baseline", transform=axes.get_xaxis_transform(),
                  ha="center", va="bottom", fontsize=9)  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(-0.6, len(names) - 0.4)
    axes.set(xlabel=f"validation {metric} of each run; bar and right: mean (runs)"
             + ("; x: pruned" if stopped else ""))  # fmt: skip
    axes.grid(axis="y", visible=False)
    return figure


@styled
def draw_site_map(
    rows: Sequence[LeaderboardRow], sites: Sequence[str], metric: str, mode: str
) -> Figure:
    """Mean over the runs with a given activation at a given site, the brighter the better, with
    the number of runs; what was never tried is empty."""
    names = sorted({row.assignment[site] for row in rows for site in sites})
    grid = np.full((len(names), len(sites)), math.nan)
    counts = np.zeros((len(names), len(sites)), int)
    for i, name in enumerate(names):
        for j, site in enumerate(sites):
            values = [v for row in rows if row.assignment[site] == name for v in row.values]
            counts[i, j] = len(values)
            if values:
                grid[i, j] = statistics.fmean(values)
    figure = Figure(figsize=(max(WIDTH, 2 + 0.9 * len(sites)), 1.5 + 0.36 * len(names)),
                    layout="constrained")  # fmt: skip
    axes = figure.subplots()
    axes.imshow(grid, aspect="auto", cmap=MAP if mode == "max" else f"{MAP}_r")
    middle = (np.nanmin(grid) + np.nanmax(grid)) / 2
    for i, j in np.ndindex(counts.shape):
        dark = (grid[i, j] < middle) == (mode == "max")
        color = "white" if counts[i, j] and dark else BLACK
        text = (
            f"{in_short(float(grid[i, j]), decimals=3)} ({counts[i, j]})" if counts[i, j] else "·"
        )
        axes.text(j, i, text, ha="center", va="center", color=color, fontsize=9)
    axes.set_xticks(range(len(sites)), sites, rotation=0 if len(sites) < 6 else 30)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(top=True, bottom=False, labeltop=True, labelbottom=False, length=0)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    empty = "; · never tried there" if (counts == 0).any() else ""
    axes.set_xlabel(f"mean validation {metric} (runs), brighter is better{empty}")
    return figure


@styled
def draw_history(rows: Sequence[LeaderboardRow], metric: str, mode: str) -> Figure:
    """Every trial in the order of its number, and the best so far."""
    trials = sorted(pair for row in rows for pair in row.means.items())
    numbers, values = zip(*trials, strict=True)
    best = (np.maximum if mode == "max" else np.minimum).accumulate(values)
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    axes.plot(numbers, values, "o", alpha=0.55, color=BLUE)
    axes.step(numbers, best, where="post", color=VERMILLION)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="trial", ylabel=f"validation {metric}")
    label_ends(axes, {f"best so far\n{in_short(best[-1])}": (best[-1], VERMILLION)})
    return figure


def draw_best(
    rows: Sequence[LeaderboardRow], baseline: dict[str, str], metric: str, best: int = 3
) -> Figure:
    """Learning curves of the best few, and of the baseline."""

    ranked = dict(enumerate(rows, start=1))
    labels = distinct({rank: row.label for rank, row in ranked.items()})
    own = [rank for rank, row in ranked.items() if _is(baseline, row)]
    chosen = [*range(1, min(best, len(rows)) + 1), *[rank for rank in own if rank > best][:1]]
    return draw_learning_curves(
        {labels[rank]: ranked[rank].directories for rank in chosen},
        metric,
        [labels[rank] for rank in chosen if rank in own],
    )


def _is(baseline: dict[str, str], row: LeaderboardRow) -> bool:
    return row.control or row.assignment == baseline
