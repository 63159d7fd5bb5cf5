"""Pictures of a comparison. Drawn without pyplot, whose global state they do not need."""

import math
from collections.abc import Collection, Sequence
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from activation_search.activations import Activation, build
from activation_search.config.run import activation_imports
from activation_search.evidence.results import Block, Evidence, rank_blocks
from activation_search.evidence.statistics import BETTER, WORSE
from activation_search.reports.comparison_table import sorted_labels
from activation_search.training.result import RunResult, read_result

COLORS = {BETTER: "tab:green", WORSE: "tab:red"}
MAX_CURVES = 6


def draw_forest(block: Block) -> Figure:
    """Difference of each candidate from the baseline with its 95% interval."""
    labels = [label for label in reversed(sorted_labels(block)) if label in block.comparisons]
    figure = Figure(figsize=(7, 1.2 + 0.35 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.axvline(0, color="0.5", linewidth=1)
    for line, label in enumerate(labels):
        c = block.comparisons[label]
        color = COLORS.get(c.verdict, "0.4")
        axes.plot([c.low, c.high], [line, line], color=color, linewidth=2)
        axes.plot(c.difference, line, "o", color=color)
    axes.set_yticks(range(len(labels)), labels)
    axes.set(
        xlabel=f"test {block.metric}, difference from {block.baseline} (95% interval)",
        title="green: better, red: worse, grey: undecided",
    )
    axes.grid(axis="x", alpha=0.3)
    return figure


def draw_pairs(block: Block) -> Figure:
    """The same seed in all candidates joined by a line."""
    labels = [label for label in sorted_labels(block) if not block.arms[label].diverged]
    values = np.array([block.arms[label].values for label in labels], dtype=float)
    figure = Figure(figsize=(max(5, 1.1 * len(labels)), 4), layout="constrained")
    axes = figure.subplots()
    for seed in range(values.shape[1]):
        axes.plot(range(len(labels)), values[:, seed], "o-", color="tab:blue", alpha=0.3)
    axes.plot(range(len(labels)), values.mean(1), "_", color="tab:orange", markersize=24,
              markeredgewidth=3, label="mean")  # fmt: skip
    axes.set_xticks(range(len(labels)), labels, rotation=30, ha="right")
    axes.set(ylabel=f"test {block.metric}", title="one line per seed")
    axes.legend()
    axes.grid(axis="y", alpha=0.3)
    return figure


def draw_learning_curves(block: Block) -> Figure:
    """Validation metric by epoch, mean and range over seeds: the best few, and the baseline."""
    labels = sorted_labels(block)
    chosen = list(dict.fromkeys([*labels[: MAX_CURVES - 1], block.baseline]))
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for label in chosen:
        curves = _curves(block.arms[label].directories, f"val_{block.metric}")
        if not curves:
            continue
        length = min(map(len, curves))
        table = np.array([curve[:length] for curve in curves])
        epochs = range(1, length + 1)
        style = "--" if label == block.baseline else "-"
        [line] = axes.plot(epochs, table.mean(0), style, label=label)
        axes.fill_between(epochs, table.min(0), table.max(0), alpha=0.12, color=line.get_color())
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set(xlabel="epoch", ylabel=f"validation {block.metric}",
             title="mean over seeds, band: lowest to highest")  # fmt: skip
    if axes.lines:
        axes.legend(fontsize=8)
    axes.grid(alpha=0.3)
    return figure


def draw_functions(block: Block, named: Collection[str] = ()) -> Figure | None:
    """The functions of the best candidate's first run, learned ones as learned.

    Args:
        block: the comparison.
        named: import paths that may be followed. A function of the user's own is drawn only if it
            is one of them, since the path stands in a file and importing runs code.

    Returns:
        ``None`` where nothing can be drawn: all functions mix channels, or the run is gone.
    """
    try:
        result = read_result(Path(block.arms[sorted_labels(block)[0]].directories[0]))
    except (OSError, ValueError):
        return None
    curves = _functions(result, named)
    if not curves:
        return None
    columns = min(4, len(curves))
    rows = -(-len(curves) // columns)
    figure = Figure(figsize=(2.6 * columns, 2.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat[len(curves) :]:
        axes.axis("off")
    for axes, (title, x, y) in zip(grid.flat, curves, strict=False):
        axes.axhline(0, color="0.8", linewidth=0.8)
        axes.axvline(0, color="0.8", linewidth=0.8)
        if y.shape[1] > 1:
            axes.plot(x, y, color="tab:orange", alpha=0.2, linewidth=0.7)
        axes.plot(x, y.mean(1), color="tab:orange", linewidth=2)
        axes.set_title(title, fontsize=8)
        axes.tick_params(labelsize=7)
    return figure


def draw_ranks(evidence: Evidence) -> Figure:
    """Mean rank of each candidate over blocks, and its rank in each."""
    labels = sorted(evidence.ranks, key=lambda label: -evidence.ranks[label])
    figure = Figure(figsize=(7, 1.2 + 0.35 * len(labels)), layout="constrained")
    axes = figure.subplots()
    axes.barh(labels, [evidence.ranks[label] for label in labels], color="tab:blue", alpha=0.5)
    for block in evidence.blocks:
        ranks = rank_blocks([block])
        axes.plot([ranks[label] for label in labels], labels, "o", label=block.label)
    axes.set(xlabel="mean rank (1 is best); points: rank in each block")
    axes.legend(fontsize=7)
    return figure


def _curves(directories: Sequence[str], name: str) -> list[list[float]]:
    curves = []
    for directory in directories:
        try:
            rows = read_result(Path(directory)).curve
        except (OSError, ValueError):
            continue  # on another machine, or tidied away
        curve = [row[name] for row in rows if math.isfinite(row.get(name, math.nan))]
        if curve:
            curves.append(curve)
    return curves


def _functions(
    result: RunResult, named: Collection[str]
) -> list[tuple[str, np.ndarray, np.ndarray]]:
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
        curves.append((title, x.numpy(), _evaluate(activation, learned, x)))
    return curves


def _evaluate(activation: Activation, learned: dict[str, list], x: torch.Tensor) -> np.ndarray:
    state = {name: torch.tensor(values) for name, values in learned.items()}
    channels = max((t.shape[-1] if t.dim() else 1 for t in state.values()), default=1)
    module = build(activation, channels=channels, channel_dim=-1).eval()
    module.load_state_dict(state, strict=False)
    with torch.no_grad():
        return module(x[None, :, None].repeat(1, 1, channels))[0].numpy()
