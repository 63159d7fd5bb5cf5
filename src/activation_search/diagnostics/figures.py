"""Figures. Drawn without pyplot, whose global state does not suit several runs in a process."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from activation_search.diagnostics.gradients import GradientReading
from activation_search.diagnostics.site_health import SiteHealth

LARGEST = 1e30  # beyond it a histogram has no bins
MAX_SITES = 6  # whose histograms stand side by side


class State(Protocol):
    """What a picture of an initial state needs."""

    sites: dict[str, SiteHealth]
    preactivations: dict[str, Tensor]
    gradients: GradientReading


def draw_learned_curve(site: str, x: Tensor, start: Tensor, now: Tensor, z: Tensor) -> Figure:
    """A learned activation beside its start, and where its inputs lie.

    Args:
        site: its name.
        x: ``[N]``.
        start, now: ``[N, channels]``; the mean over channels is drawn bold, each channel faint.
        z: pre-activations, whose distribution is drawn below.
    """
    figure = Figure(figsize=(4, 3.6), layout="constrained")
    axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
    axes.plot(x, start.mean(1), "--", color="tab:blue", label="start")
    plot_function(axes, x, now, label="now")
    axes.set(title=site, ylabel="f(z)")
    axes.legend()
    _histogram(below, z, limits=(x[0].item(), x[-1].item()))
    below.set(xlabel="pre-activation z")
    return figure


def plot_function(axes: Axes, x: Tensor, y: Tensor, label: str | None = None) -> None:
    """A function of single channels: their mean bold, each channel faint.

    Args:
        axes: to draw on.
        x: ``[N]``.
        y: ``[N, channels]``.
        label: of the mean.
    """
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    if y.shape[1] > 1:
        axes.plot(x, y, color="tab:orange", alpha=0.2, linewidth=0.7)
    axes.plot(x, y.mean(1), color="tab:orange", linewidth=2, label=label)


def draw_initial_states(states: Mapping[str, State]) -> Figure:
    """Gradient norm per layer, output scale per site, and histograms of pre-activations, one row
    per activation.

    Args:
        states: label -> state; all of one model.
    """
    sites = list(next(iter(states.values())).sites)
    shown = [sites[i] for i in np.linspace(0, len(sites) - 1, min(len(sites), MAX_SITES)).round()
             .astype(int)]  # fmt: skip
    figure = Figure(figsize=(11, 4 + 1.3 * len(states)), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(4, 1.4 * len(states)))
    above, below = parts[:, 0]
    gradient, scale = above.subplots(1, 2)
    for label, state in states.items():
        layers = state.gradients.layers
        norms = [max(layer.norm, 1e-30) for layer in layers.values()]
        gradient.semilogy(list(layers), norms, "o-", label=label, markersize=4)
        stds = [max(site.h_std, 1e-30) for site in state.sites.values()]
        scale.semilogy(list(state.sites), stds, "o-", label=label, markersize=4)
    gradient.set(title="gradient norm per layer, first batch")
    scale.set(title="standard deviation of f(z) per site")
    for axes in (gradient, scale):
        axes.tick_params(axis="x", rotation=60, labelsize=7)
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    grid = below.subplots(len(states), len(shown), squeeze=False)
    for row, (label, state) in enumerate(states.items()):
        for column, site in enumerate(shown):
            axes = grid[row, column]
            _histogram(axes, state.preactivations[site], limits=None)
            if row == 0:
                axes.set_title(f"z at {site}", fontsize=8)
            if column == 0:
                axes.set_ylabel(label, fontsize=9)
    return figure


def _histogram(axes, z: Tensor, limits: tuple[float, float] | None) -> None:
    values = z.detach().double().flatten().cpu().numpy()
    values = values[np.abs(values) < LARGEST]  # NaN compares as false
    if limits is None and len(values) and np.ptp(values) < 1e-6 * (1 + np.abs(values).max()):
        limits = (values[0] - 1, values[0] + 1)  # all the same: no 50 bins between them
    axes.hist(values, bins=50, range=limits, color="tab:blue", alpha=0.6)
    axes.tick_params(labelsize=7)
    axes.set_yticks([])
