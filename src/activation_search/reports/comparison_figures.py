"""Pictures of a comparison. Drawn without pyplot, whose global state they do not need."""

import textwrap
from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from activation_search.activations import Activation
from activation_search.activations.curve import learned_curve
from activation_search.config.run import activation_imports
from activation_search.console import in_short
from activation_search.diagnostics.figures import plot_function
from activation_search.evidence.results import Block, Evidence, rank_blocks
from activation_search.evidence.statistics import BETTER, UNDECIDED, WORSE
from activation_search.reports.comparison_table import cells, sorted_labels
from activation_search.reports.learning_curves import LONGEST, draw_learning_curves
from activation_search.style import BLACK, BLUE, GREEN, GREY, VERMILLION, WIDTH, line_style, styled
from activation_search.training.result import FINISHED, RunResult, read_result

MAX_CURVES = 6
COLORS = {BETTER: GREEN, WORSE: VERMILLION, UNDECIDED: GREY}
MARKERS = {BETTER: "^", WORSE: "v", UNDECIDED: "o"}


@styled
def draw_forest(block: Block) -> Figure:
    """Difference of each candidate from the baseline with its 95% interval and its verdict."""
    labels = list(reversed(sorted_labels(block)))
    names = [textwrap.fill(label, LONGEST) for label in labels]
    rows = len(labels) * max(name.count("\n") + 1 for name in names)
    figure = Figure(figsize=(WIDTH, 1.3 + 0.32 * rows), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color=BLACK, linewidth=1, linestyle="--")
    for line, label in enumerate(labels):
        text, color = _verdict(block, label)
        if label == block.baseline:
            axes.plot(0, line, "D", color=BLACK)
        elif label in block.comparisons:
            c = block.comparisons[label]
            axes.plot([c.low, c.high], [line, line], color=color, linewidth=2.2)
            axes.plot(c.difference, line, MARKERS[c.verdict], color=color, markersize=7)
        axes.text(1.02, line, text, color=color, va="center",
                  transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set_yticks(range(len(labels)), names)
    axes.set_ylim(-0.6, len(labels) - 0.4)
    axes.margins(x=0.08)
    axes.grid(axis="y", visible=False)
    worse, better = ("worse", "better") if block.mode == "max" else ("better", "worse")
    axes.set_xlabel(f"← {worse}      test {block.metric} minus {block.baseline}'s"
                    f"      {better} →")  # fmt: skip
    figure.suptitle(f"{block.label}, {len(block.seeds)} seeds, 95% intervals", x=0.01, ha="left",
                    fontsize=10.5, fontweight="bold")  # fmt: skip
    return figure


def _verdict(block: Block, label: str) -> tuple[str, str]:
    """What is written beside a candidate's interval, and its colour."""
    if block.arms[label].diverged:
        return cells(block, label)[-1], VERMILLION
    if label == block.baseline:
        return f"baseline, mean {cells(block, label)[0]}", BLACK
    if label not in block.comparisons:
        return "not compared", GREY
    c = block.comparisons[label]
    return f"{in_short(c.difference, '+')}  {c.verdict}".replace("-", "\u2212"), COLORS[c.verdict]


@styled
def draw_pairs(block: Block) -> Figure | None:
    """The same seed in all candidates joined by a line; ``None`` where all diverged."""
    labels = [label for label in sorted_labels(block) if not block.arms[label].diverged]
    if not labels:
        return None
    values = np.array([block.arms[label].values for label in labels], dtype=float)
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    for seed in range(values.shape[1]):
        axes.plot(range(len(labels)), values[:, seed], "o-", color=BLUE, alpha=0.35, linewidth=1)
    for place, mean in enumerate(values.mean(1)):
        axes.plot(place, mean, "_", color=BLACK, markersize=24, markeredgewidth=2.5)
    names = [f"{x} (baseline)" if x == block.baseline else x for x in labels]
    names = [textwrap.fill(name, LONGEST) for name in names]
    axes.set_xticks(range(len(labels)), names, rotation=30, ha="right")
    axes.set(ylabel=f"test {block.metric}", title="line: one seed; bar: mean")
    axes.margins(x=0.06)
    axes.grid(axis="x", visible=False)
    return figure


def draw_best(block: Block) -> Figure:
    """Learning curves of the best few, and of the baseline."""
    chosen = dict.fromkeys([*sorted_labels(block)[: MAX_CURVES - 1], block.baseline])
    runs = {label: block.arms[label].directories for label in chosen}
    return draw_learning_curves(runs, block.metric, [block.baseline])


@styled
def draw_functions(block: Block, named: Collection[str] = ()) -> Figure | None:
    """The functions of the best candidate's first run, learned ones as learned.

    Args:
        block: the comparison.
        named: import paths that may be followed. A function of the user's own is drawn only if it
            is one of them, since the path stands in a file and importing runs code.

    Returns:
        ``None`` where nothing can be drawn: all functions mix channels, or the run is gone or did
        not finish.
    """
    try:
        result = read_result(Path(block.arms[sorted_labels(block)[0]].directories[0]))
    except (OSError, ValueError):
        return None
    if result.status != FINISHED:  # what it learned may be no numbers
        return None
    curves = _functions(result, named)
    if not curves:
        return None
    columns = min(3, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(WIDTH, 0.3 + 1.6 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(curves) :]:
        axes.axis("off")
    for axes, (title, x, y) in zip(grid.flat, curves, strict=False):
        plot_function(axes, x, y)
        axes.set_title(textwrap.fill(title, 26), fontsize=9)
    return figure


@styled
def draw_ranks(evidence: Evidence) -> Figure:
    """Mean rank of each candidate over blocks, and its rank in each."""
    labels = sorted(evidence.ranks, key=lambda label: -evidence.ranks[label])
    figure = Figure(figsize=(WIDTH, 1.5 + 0.32 * len(labels)), layout="constrained")
    axes = figure.subplots()
    for number, block in enumerate(evidence.blocks):
        ranks = rank_blocks([block])
        axes.plot([ranks[label] for label in labels], labels, "osD^v"[number % 5],
                  color=line_style(number)[0], label=block.label)  # fmt: skip
    axes.plot([evidence.ranks[label] for label in labels], labels, "|", color=BLACK,
              markersize=20, markeredgewidth=2.5, label="mean")  # fmt: skip
    axes.set(xlabel="rank (1 is best)")
    axes.margins(0.08)
    figure.legend(loc="outside upper left", ncols=3)
    return figure


def _functions(
    result: RunResult, named: Collection[str]
) -> list[tuple[str, torch.Tensor, torch.Tensor]]:
    """Title, x ``[N]``, y ``[N, channels]`` of each different function."""
    assignment = {site: Activation.from_text(text) for site, text in result.assignment.items()}
    x = torch.linspace(-4, 4, 161)
    curves, seen = [], set()
    for site, activation in assignment.items():
        learned = result.learned.get(site, {})
        if activation.entry.family == "gated" or (activation in seen and not learned):
            continue
        if not activation_imports(activation.as_dict()) <= set(named):
            continue
        seen.add(activation)
        title = f"{activation} at {site}" if learned else str(activation)
        curves.append((title, x, learned_curve(activation, learned, x)))
    return curves
