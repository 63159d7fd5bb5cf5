"""Pictures of a search for formulas. Drawn without pyplot, whose global state they do not need."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from activation_search.activations import build
from activation_search.activations.formula.parse import parse
from activation_search.console import in_short
from activation_search.discovery.evolution import EVOLUTION, RANDOM
from activation_search.discovery.found import Discovery, Finalist
from activation_search.discovery.relatives import Relative, nearest
from activation_search.reports.pictures import write_picture
from activation_search.style import BLUE, GREY, ORANGE, PALE, WIDTH, label_ends, styled

MAX_ANCESTORS = 24  # in the family tree


def write_pictures(found: Discovery) -> list[Path]:
    """All pictures that a search has something for, as PNG in its folder."""
    if not found.front():
        return []
    figures = {"progress.png": draw_progress(found), "front.png": draw_front(found)}
    if found.best:
        figures["function.png"] = draw_function(found.best)
        if found.ancestors(found.best.label):
            figures["family.png"] = draw_family(found, found.best.label)
    return [write_picture(figure, found.folder / name) for name, figure in figures.items()]


@styled
def draw_progress(found: Discovery) -> Figure:
    """The smallest loss so far against the number of formulas, per arm: each repetition, thin,
    and their mean."""
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    ends = {}
    for arm, color, style in ((EVOLUTION, BLUE, "-"), (RANDOM, ORANGE, "--")):
        repetitions = np.array(found.progress(arm))
        if not repetitions.size or not np.isfinite(repetitions[:, -1]).all():
            continue
        formulas = range(1, repetitions.shape[1] + 1)
        # Infinite until the first training has come to its end.
        mean = np.where(np.isfinite(repetitions).all(0), repetitions.mean(0), np.nan)
        axes.step(formulas, mean, style, color=color, where="post")
        if len(repetitions) > 1:
            for losses in repetitions:
                axes.step(formulas, losses, style, color=color, alpha=0.3, lw=0.8, where="post")
        ends[arm] = float(mean[-1]), color
    axes.set(xlabel="formulas trained", ylabel="smallest validation loss so far")
    label_ends(axes, ends)
    return figure


@styled
def draw_front(found: Discovery) -> Figure:
    """Length against loss, with the formulas that no shorter one beats written beside."""
    figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
    axes = figure.subplots()
    tried = [(formula.length, loss) for formula, loss in found.finished]
    front = [(formula.length, loss, formula.text) for formula, loss in found.front()]
    sizes, all_losses = zip(*tried, strict=True)
    axes.scatter(sizes, all_losses, s=9, color=GREY, alpha=0.5)
    lengths, losses, _ = zip(*front, strict=True)
    axes.plot(lengths, losses, "o-", color=BLUE, drawstyle="steps-post")
    for size, loss, text in front:
        axes.annotate(text, (size, loss), xytext=(6, -11), textcoords="offset points", fontsize=8)
    worst = float(np.quantile(all_losses, 0.9))
    room = max(worst - losses[-1], 1e-6)
    axes.set_ylim(losses[-1] - 0.15 * room, worst + 0.05 * room)
    # The longest one's text stands to the right of it.
    axes.set_xlim(right=max(sizes) + 6)
    axes.set(xlabel="length: signs, numbers and names", ylabel="validation loss")
    return figure


@styled
def draw_function(best: Finalist) -> Figure:
    """A formula with its derivative, and its relative in the catalogue."""
    x = torch.linspace(-4, 4, 401, dtype=torch.float64)
    module = build({"name": "formula", "expr": best.label, **best.constants}).double()
    z = x[None, None].clone().requires_grad_()
    y = module(z)
    [slope] = torch.autograd.grad(y.sum(), z)
    relative = nearest(parse(best.label), best.constants)
    figure = Figure(figsize=(WIDTH, 4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color=PALE)
    axes.axvline(0, color=PALE)
    axes.plot(x, y.detach()[0, 0], color=BLUE, linewidth=2.5, label=best.label)
    axes.plot(x, slope[0, 0], ":", color=BLUE, label="its derivative")
    axes.plot(x, _values(relative, x), "--", color=ORANGE, label=str(relative))
    axes.set(xlabel="x")
    axes.legend()
    return figure


def _values(relative: Relative, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        function = build(relative.name).double().eval()
        return relative.scale * function(relative.stretch * x[None, None])[0, 0]


@styled
def draw_family(found: Discovery, text: str) -> Figure:
    """Where a formula comes from: it and its ancestors, the youngest on top, joined to parents."""
    family = found.ancestors(text)[:MAX_ANCESTORS]
    lines = {formula.number: -line for line, formula in enumerate(family)}
    figure = Figure(figsize=(WIDTH, 0.8 + 0.32 * len(family)), layout="constrained")
    axes = figure.subplots()
    for formula in family:
        line = lines[formula.number]
        for parent in formula.parents:
            if parent in lines:
                # A bow, the wider the older the parent, so that none hides another.
                span = line - lines[parent]
                heights = np.linspace(line, lines[parent], 30)
                bow = -0.5 * (1 - ((heights - line) / span * -2 - 1) ** 2) * min(span, 8) / 8
                axes.plot(bow, heights, color=GREY, linewidth=1)
        loss = "failed" if formula.loss is None else f"loss {in_short(formula.loss, decimals=3)}"
        axes.plot(0, line, "o", color=BLUE)
        axes.text(0.05, line, f"{formula.text}   ({formula.origin}, {loss})", va="center")
    axes.set(xlim=(-0.6, 2.5), ylim=(-len(family) + 0.5, 0.5))
    axes.axis("off")
    return figure
