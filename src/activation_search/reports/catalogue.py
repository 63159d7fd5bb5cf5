"""The catalogue for people: a table, and a sheet of curves with their derivatives."""

import math
from collections.abc import Sequence

import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.markup import escape
from rich.table import Table
from torch import Tensor

from activation_search.activations.entry import Entry
from activation_search.activations.factory import build
from activation_search.activations.moments import gains
from activation_search.style import BLUE, GREY, SKY, VERMILLION, styled

COLUMNS = 4
MOVED, MOVE = 5, 0.3  # thin curves of a learnable function, and the spread of their parameters
SHAPES = {
    "Straight pieces": (
        "identity", "relu", "relu6", "leaky_relu", "threshold_relu", "hardshrink", "softshrink",
    ),
    "Exponential tails": ("elu", "celu", "selu", "isrlu"),
    "Smooth, with a dip": (
        "gelu", "gelu_tanh", "quick_gelu", "silu", "e_swish", "hardswish", "mish", "telu", "serf",
        "logish", "smish", "elish", "gelu_sine", "gelu_sinc",
    ),
    "Smooth, rising": (
        "softplus", "shifted_softplus", "squareplus", "logsigmoid", "bent_identity", "asinh",
        "tanhshrink",
    ),
    "Bounded": (
        "sigmoid", "hard_sigmoid", "tanh", "hardtanh", "lecun_tanh", "penalized_tanh", "softsign",
        "arctan", "isru",
    ),
    "Waves, bumps, squares": ("sin", "gcu", "gaussian", "lisht", "relu2"),
}  # fmt: skip
"""Of fixed functions; the guide describes them."""
OTHERS = {
    "fixed": "Others",
    "learnable": "Learnable, at their start",
    "stochastic": "Stochastic, in evaluation",
    "gated": "Gated, and mixing channels",
    "custom": "Your own",
}


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


@styled
def draw_sheet(entries: Sequence[Entry]) -> Figure:
    """Each entry's function and, dashed, its derivative on [-4, 4], parameters at their start; in
    families. Thin lines are a learnable function with its parameters moved at random, by 0.3 in
    standard deviation.

    A gated unit is drawn as a function of its gate with the other input at 1, MaxMin and CReLU as
    their two outputs (the other input of MaxMin at 0).
    """
    families = in_families(entries)
    rows = [
        (family if start == 0 else "", members[start : start + COLUMNS])
        for family, members in families.items()
        for start in range(0, len(members), COLUMNS)
    ]
    columns = min(COLUMNS, len(entries))
    figure = Figure(figsize=(1.7 * columns, 0.4 + 1.45 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False, sharex=True, sharey=True)
    for (family, members), line in zip(rows, grid, strict=True):
        if family and len(families) > 1:
            line[0].set_title(family)
        for axes, entry in zip(line, members, strict=False):
            _draw_curve(axes, entry)
        for axes in line[len(members) :]:
            axes.set_axis_off()
    learned = "; thin: its parameters moved at random" if any(e.learns for e in entries) else ""
    figure.suptitle(f"solid: f(z); dashed: its derivative{learned}", x=0.01, ha="left", fontsize=9)
    return figure


def _draw_curve(axes: Axes, entry: Entry) -> None:
    x, y, slope = sample_curve(entry)
    axes.axhline(0, color=GREY, linewidth=0.6)
    axes.axvline(0, color=GREY, linewidth=0.6)
    for seed in range(MOVED if entry.learns else 0):
        axes.plot(*sample_curve(entry, moved_by=seed)[:2], color=SKY, linewidth=0.8)
    axes.plot(x, slope, color=VERMILLION, linewidth=1.1, linestyle=(0, (4, 1.2)))
    axes.plot(x, y, color=BLUE, linewidth=2)
    axes.text(0.04, 0.95, entry.name, transform=axes.transAxes, va="top", fontsize=9,
              bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1})  # fmt: skip
    axes.set(xlim=(-4, 4), ylim=(-3.6, 4.6), xticks=(-4, 0, 4), yticks=(-2, 0, 2, 4))


def in_families(entries: Sequence[Entry]) -> dict[str, list[Entry]]:
    """Family -> its members among the entries; fixed functions by their shape, the others by what
    sets them apart."""
    shape = {name: family for family, names in SHAPES.items() for name in names}
    found: dict[str, list[Entry]] = {family: [] for family in (*SHAPES, *OTHERS.values())}
    for entry in entries:
        found[shape.get(entry.name) or OTHERS[entry.family]].append(entry)
    return {family: members for family, members in found.items() if members}


def sample_curve(entry: Entry, moved_by: int | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Points ``[401]`` with values and derivatives ``[401, outputs]``, in evaluation mode.

    Args:
        entry: of the catalogue.
        moved_by: the seed of normal draws that are added to what it learns; ``None`` adds none.
    """
    x = torch.linspace(-4, 4, 401, dtype=torch.float64, requires_grad=True)
    function = build(entry.name, channels=entry.inputs).double().eval()
    if moved_by is not None:
        generator = torch.Generator().manual_seed(moved_by)
        for parameter in function.parameters():
            noise = torch.randn(parameter.shape, generator=generator, dtype=parameter.dtype)
            parameter.data += MOVE * noise
    others = torch.full_like(x, 1.0 if entry.changes_width else 0.0)
    columns = [x] if entry.inputs == 1 else [others, x]
    y = function(torch.stack(columns, 1))
    slopes = [
        torch.autograd.grad(y[:, j].sum(), x, retain_graph=True)[0] for j in range(entry.outputs)
    ]
    return x.detach(), y.detach(), torch.stack(slopes, 1)
