"""Figures. Drawn without pyplot, whose global state does not suit several runs in a process."""

import math
import textwrap
from collections.abc import Mapping
from typing import Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from activation_search.diagnostics.gradients import GradientReading
from activation_search.diagnostics.site_health import SiteHealth
from activation_search.style import BLACK, BLUE, GREY, WIDTH, label_ends, line_style, styled

LARGEST = 1e30  # beyond it a histogram has no bins
SMALLEST = 1e-30  # that a log scale shows
MAX_TICKS = 6  # layers that are named on an axis
MAX_SITES = 4  # whose histograms stand side by side


class State(Protocol):
    """What a picture of an initial state needs."""

    sites: dict[str, SiteHealth]
    preactivations: dict[str, Tensor]
    gradients: GradientReading


@styled
def draw_learned_curve(site: str, x: Tensor, start: Tensor, now: Tensor, z: Tensor) -> Figure:
    """A learned activation beside its start, and where its inputs lie.

    Args:
        site: its name.
        x: ``[N]``.
        start, now: ``[N, channels]``; the mean over channels is drawn bold, each channel faint.
        z: pre-activations, whose distribution is drawn below.
    """
    # Drawn for every site of a run: to find the margins would take longer than all else.
    figure = Figure(figsize=(4.5, 3.8))
    margins = {"left": 0.2, "right": 0.88, "bottom": 0.12, "top": 0.92, "hspace": 0.12}
    axes, below = figure.subplots(2, sharex=True, height_ratios=(4, 1), gridspec_kw=margins)
    axes.plot(x, start.mean(1), "--", color=BLACK, label="start")
    plot_function(axes, x, now, label="now")
    axes.set(title=site, ylabel="f(z)")
    axes.yaxis.set_major_formatter("{x:g}")  # no power of ten above, where the title is
    ends = {"start": (start.mean(1)[-1].item(), BLACK), "now": (now.mean(1)[-1].item(), BLUE)}
    axes.margins(x=0)
    label_ends(axes, ends)
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
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(0, color=GREY, linewidth=0.6)
    if y.shape[1] > 1:
        axes.plot(x, y, color=BLUE, alpha=0.2, linewidth=0.7)
    axes.plot(x, y.mean(1), color=BLUE, linewidth=2, label=label)


@styled
def draw_initial_states(states: Mapping[str, State]) -> Figure:
    """Gradient norm per layer, output scale per site, and histograms of pre-activations, one row
    per activation.

    Args:
        states: label -> state; all of one model.
    """
    sites = list(next(iter(states.values())).sites)
    shown = [sites[i] for i in np.linspace(0, len(sites) - 1, min(len(sites), MAX_SITES)).round()
             .astype(int)]  # fmt: skip
    figure = Figure(figsize=(WIDTH, 3.4 + 0.95 * len(states)), layout="constrained")
    parts = figure.subfigures(2, 1, squeeze=False, height_ratios=(3.2, 0.2 + 0.95 * len(states)))
    above, below = parts[:, 0]
    gradient, scale = above.subplots(1, 2)
    _draw_layers(gradient, "gradient norm per layer", {
        label: {name: layer.norm for name, layer in state.gradients.layers.items()}
        for label, state in states.items()
    })  # fmt: skip
    _draw_layers(scale, "standard deviation of f(z)", {
        label: {name: site.h_std for name, site in state.sites.items()}
        for label, state in states.items()
    })  # fmt: skip
    grid = below.subplots(len(states), len(shown), squeeze=False)
    for row, (label, state) in enumerate(states.items()):
        for column, site in enumerate(shown):
            axes = grid[row, column]
            _histogram(axes, state.preactivations[site], limits=None)
            if row == 0:
                axes.set_title(f"z at {site}", fontsize=9)
            if column == 0:
                axes.set_ylabel(textwrap.shorten(label, 14, placeholder="…"))
    return figure


def _draw_layers(axes: Axes, title: str, values: Mapping[str, Mapping[str, float]]) -> None:
    """Positive values by layer on a log scale, a line per label, named at its end."""
    ends = {}
    for number, (label, by_layer) in enumerate(values.items()):
        color, dashes = line_style(number)
        heights = [max(value, SMALLEST) for value in by_layer.values()]
        [line] = axes.semilogy(list(by_layer), heights, "o", color=color, label=label)
        line.set_linestyle(dashes)
        ends[textwrap.shorten(label, 18, placeholder="…")] = (heights[-1], color)
    axes.set(title=title)
    names = list(next(iter(values.values())))
    shown = range(0, len(names), math.ceil(len(names) / MAX_TICKS))
    axes.set_xticks(shown, [names[i] for i in shown], rotation=40, ha="right")
    low, high = axes.get_ylim()
    if high < 10 * low:  # less than a power of ten: its parts as plain numbers
        axes.yaxis.set_minor_formatter("{x:g}")
    label_ends(axes, ends)


def _histogram(axes, z: Tensor, limits: tuple[float, float] | None) -> None:
    values = z.detach().double().flatten().cpu().numpy()
    values = values[np.abs(values) < LARGEST]  # NaN compares as false
    if limits is None and len(values) and np.ptp(values) < 1e-6 * (1 + np.abs(values).max()):
        limits = (values[0] - 1, values[0] + 1)  # all the same: no 50 bins between them
    axes.hist(values, bins=50, range=limits, color=BLUE, alpha=0.6, histtype="stepfilled")
    axes.grid(visible=False)
    axes.xaxis.set_major_locator(MaxNLocator(3))
    axes.set_yticks([])
