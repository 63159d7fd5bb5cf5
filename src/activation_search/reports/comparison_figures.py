"""Pictures of a comparison. Drawn without pyplot, whose global state they do not need."""

from collections.abc import Collection
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from activation_search.activations import Activation, build
from activation_search.activations.curve import curve
from activation_search.config.run import activation_imports
from activation_search.diagnostics.figures import plot_function
from activation_search.evidence.results import Block, Evidence, rank_blocks
from activation_search.evidence.statistics import BETTER, WORSE
from activation_search.reports.comparison_table import sorted_labels
from activation_search.reports.learning_curves import draw_learning_curves
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


def draw_best(block: Block) -> Figure:
    """Learning curves of the best few, and of the baseline."""
    chosen = dict.fromkeys([*sorted_labels(block)[: MAX_CURVES - 1], block.baseline])
    runs = {label: block.arms[label].directories for label in chosen}
    return draw_learning_curves(runs, block.metric, [block.baseline])


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
        plot_function(axes, x, y)
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
        curves.append((title, x, _as_learned(activation, learned, x)))
    return curves


def _as_learned(activation: Activation, learned: dict[str, list], x: torch.Tensor) -> torch.Tensor:
    state = {name: torch.tensor(values) for name, values in learned.items()}
    channels = max((t.shape[-1] if t.dim() else 1 for t in state.values()), default=1)
    module = build(activation, channels=channels, channel_dim=-1).eval()
    module.load_state_dict(state, strict=False)
    return curve(module, x, channels, channel_dim=-1)
