"""Pictures of a search for formulas. Drawn without pyplot, whose global state they do not need."""

from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure

from activation_search.activations import build
from activation_search.activations.formula.parse import parse
from activation_search.discovery.driver import EVOLUTION, RANDOM
from activation_search.discovery.found import Discovery, Finalist
from activation_search.discovery.relatives import Relative, nearest
from activation_search.reports.pictures import write_picture

MAX_GENERATIONS = 12  # of the family tree, from the winner back


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


def draw_progress(found: Discovery) -> Figure:
    """The smallest loss so far against the number of formulas, per arm."""
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for arm, style in ((EVOLUTION, "-"), (RANDOM, "--")):
        losses = found.progress(arm)
        if losses:
            axes.step(range(1, len(losses) + 1), losses, style, where="post")
            axes.annotate(arm, (len(losses), losses[-1]), textcoords="offset points", xytext=(4, 0))
    axes.set(xlabel="formulas trained", ylabel="smallest validation loss so far")
    axes.margins(x=0.15)
    return figure


def draw_front(found: Discovery) -> Figure:
    """Length against loss, with the formulas that no shorter one beats written beside."""
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    tried = [(f.length, f.loss) for f in found.formulas if f.loss and f.status == "finished"]
    front = [(f.length, f.loss, f.text) for f in found.front() if f.loss]
    axes.scatter(*zip(*tried, strict=True), s=8, color="0.7")
    lengths, losses, _ = zip(*front, strict=True)
    axes.plot(lengths, losses, "o-", drawstyle="steps-post")
    for size, loss, text in front:
        axes.annotate(
            text,
            (size, loss),
            textcoords="offset points",
            xytext=(5, -10),
            fontsize="small",
        )
    worst = float(np.quantile([loss for _, loss in tried], 0.9))
    axes.set_ylim(losses[-1] - 0.12 * (worst - losses[-1]), worst)
    axes.set(xlabel="length: signs, numbers and names", ylabel="validation loss")
    return figure


def draw_function(best: Finalist) -> Figure:
    """A formula with its derivative, beside its relative in the catalogue."""
    x = torch.linspace(-4, 4, 401, dtype=torch.float64)
    module = build({"name": "formula", "expr": best.label, **best.constants}).double()
    z = x[None, None].clone().requires_grad_()
    y = module(z)
    [slope] = torch.autograd.grad(y.sum(), z)
    relative = nearest(parse(best.label), best.constants)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    axes.plot(x, y.detach()[0, 0], linewidth=2, label=best.label)
    axes.plot(x, slope[0, 0], linewidth=1, label="its derivative")
    axes.plot(x, _values(relative, x), "--", linewidth=1, label=str(relative))
    axes.set(xlabel="x")
    axes.legend()
    return figure


def _values(relative: Relative, x: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        function = build(relative.name).double().eval()
        return relative.scale * function(relative.stretch * x[None, None])[0, 0]


def draw_family(found: Discovery, text: str) -> Figure:
    """Where a formula comes from: each ancestor at its loss, in the order in which it was tried."""
    family = found.ancestors(text)[: 2 * MAX_GENERATIONS]
    places = {formula.number: line for line, formula in enumerate(reversed(family))}
    figure = Figure(figsize=(7, 1 + 0.4 * len(family)), layout="constrained")
    axes = figure.subplots()
    for formula in family:
        for parent in formula.parents:
            if parent in places:
                ends = [places[parent], places[formula.number]]
                axes.plot([-0.2, -0.2], ends, color="0.8", zorder=0)
        loss = "" if formula.loss is None else f"{formula.loss:.3f}"
        line = places[formula.number]
        axes.plot(-0.2, line, "o")
        axes.text(0, line, f"{formula.text}    {formula.origin}  {loss}", va="center")
    axes.set(xlim=(-0.5, 6), ylim=(-0.5, len(family) - 0.5))
    axes.axis("off")
    return figure
