"""Figures. Drawn without pyplot, whose global state does not suit several runs in a process."""

from matplotlib.figure import Figure
from torch import Tensor


def draw_learned_curve(site: str, x: Tensor, start: Tensor, now: Tensor) -> Figure:
    """A learned activation beside its start.

    Args:
        x: ``[N]``.
        start, now: ``[N, channels]``; the mean over channels is drawn bold, each channel faint.
    """
    figure = Figure(figsize=(4, 3), layout="constrained")
    axes = figure.subplots()
    axes.axhline(0, color="0.8", linewidth=0.8)
    axes.axvline(0, color="0.8", linewidth=0.8)
    if now.shape[1] > 1:
        axes.plot(x, now, color="tab:orange", alpha=0.2, linewidth=0.7)
    axes.plot(x, start.mean(1), "--", color="tab:blue", label="start")
    axes.plot(x, now.mean(1), color="tab:orange", linewidth=2, label="now")
    axes.set(title=site, xlabel="pre-activation z", ylabel="f(z)")
    axes.legend()
    return figure
