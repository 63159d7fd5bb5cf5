"""The catalogue for people: a table, and a sheet of curves with their derivatives."""

import math
from collections.abc import Sequence

import torch
from matplotlib.figure import Figure
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from activation_search.activations.entry import Entry
from activation_search.activations.factory import build
from activation_search.activations.moments import gains

COLUMNS = 6
CURVE, DERIVATIVE = "tab:blue", "tab:orange"


def catalogue_table(entries: Sequence[Entry]) -> Table:
    """Name, formula, parameters, what is learned, range, gains, reference: one row per entry."""
    count = f"{len(entries)} activation{'s' if len(entries) > 1 else ''}"
    table = Table(title=count, title_justify="left")
    table.add_column("name", no_wrap=True)
    for heading in ("formula", "parameters", "learned", "range"):
        table.add_column(heading)
    for heading in ("channels", "forward", "backward", "mean"):
        table.add_column(heading, justify="right")
    table.add_column("reference")
    for entry in entries:
        forward, backward, mean = gains(entry.name)
        table.add_row(
            entry.name + "".join(f"\n= {alias}" for alias in entry.aliases),
            escape(entry.formula) + (f"\n[dim]({entry.note})[/dim]" if entry.note else ""),
            ", ".join(f"{key}={p.default}" for key, p in entry.parameters.items()),
            ", ".join(f"{tensor} from {start}" for tensor, start in entry.learns.items()),
            escape(describe_range(entry)),
            f"{entry.inputs}:{entry.outputs}",
            f"{forward:.3f}",
            f"{backward:.3f}",
            f"{mean + 0.0:.3f}".replace("-0.000", "0.000"),
            entry.reference,
        )
    table.caption = (
        "s: sigmoid, sp: softplus, Phi: normal distribution; 'u; v' is u for x > 0 and v below. "
        "channels: in to out. forward, backward: gains that keep the variance of signal and "
        "gradient; mean: of the output; all for inputs from N(0, 1), parameters at their start."
    )
    table.caption_justify = "left"
    return table


def describe_range(entry: Entry) -> str:
    """``[-0.17, inf)``; a bound that is only approached counts as closed."""
    low, high = entry.range
    left = "(-inf" if math.isinf(low) else f"[{low:.4g}"
    right = "inf)" if math.isinf(high) else f"{high:.4g}]"
    return f"{left}, {right}"


def draw_sheet(entries: Sequence[Entry]) -> Figure:
    """Each entry's function and derivative on [-4, 4], parameters at their start.

    A gated unit is drawn as a function of its gate with the other input at 1, MaxMin and CReLU as
    their two outputs (the other input of MaxMin at 0).
    """
    columns = min(COLUMNS, len(entries))
    rows = -(-len(entries) // columns)
    size = (2.2 * columns, 1.9 * rows + 0.5)
    figure = Figure(figsize=size, layout="constrained")
    grid = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axes, entry in zip(grid, entries, strict=False):
        x, y, slope = sample_curve(entry)
        axes.axhline(0, color="0.85", linewidth=0.8)
        axes.axvline(0, color="0.85", linewidth=0.8)
        axes.plot(x, slope, color=DERIVATIVE, linewidth=1)
        axes.plot(x, y, color=CURVE, linewidth=1.6)
        axes.set_title(entry.name, fontsize=9)
        axes.set_ylim(-2.2, 4.2)
        axes.tick_params(labelsize=6)
    for axes in grid[len(entries) :]:
        axes.set_axis_off()
    figure.legend(
        [figure.axes[0].lines[3], figure.axes[0].lines[2]],
        ["f(z)", "derivative"],
        loc="outside upper left",
        ncols=2,
        fontsize=8,
    )
    return figure


def sample_curve(entry: Entry) -> tuple[Tensor, Tensor, Tensor]:
    """Points ``[401]`` with values and derivatives ``[401, outputs]``, in evaluation mode."""
    x = torch.linspace(-4, 4, 401, dtype=torch.float64, requires_grad=True)
    function = build(entry.name, channels=entry.inputs).double().eval()
    others = torch.full_like(x, 1.0 if entry.changes_width else 0.0)
    columns = [x] if entry.inputs == 1 else [others, x]
    y = function(torch.stack(columns, 1))
    slopes = [
        torch.autograd.grad(y[:, j].sum(), x, retain_graph=True)[0] for j in range(entry.outputs)
    ]
    return x.detach(), y.detach(), torch.stack(slopes, 1)
