"""What health readings of runs show over time, side by side: sick and cured.

python scripts/report.py logs/train/<run> logs/train/<other run>
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from activation_search.console import in_short
from activation_search.diagnostics.figures import SMALLEST
from activation_search.errors import UserError
from activation_search.style import MAP, WIDTH, label_ends, styled
from activation_search.training.result import RunResult, read_result

Series = dict[int, float]


@dataclass(frozen=True)
class RunHealth:
    """A run and its readings.

    Attributes:
        result: what it reached.
        gradients: layer -> step -> norm of its gradient before clipping.
        dead: site -> step -> share of its units that pass no gradient.
    """

    result: RunResult
    gradients: dict[str, Series]
    dead: dict[str, Series]


def read_run_health(directory: Path) -> RunHealth:
    """Reads the result and the event file of a run.

    Args:
        directory: of a run, ``logs/train/<name>/<time>``.

    Raises:
        UserError: no run with readings is there.
    """
    try:
        result = read_result(directory)
    except (OSError, ValueError) as error:
        raise UserError(f"{directory} holds no run that can be read: {error}.") from error
    events = EventAccumulator(str(directory), size_guidance={"scalars": 0}).Reload()

    def group(name: str) -> dict[str, Series]:
        tags = [tag for tag in events.Tags()["scalars"] if tag.startswith(f"{name}/")]
        return {
            tag.removeprefix(f"{name}/"): {e.step: e.value for e in events.Scalars(tag)}
            for tag in tags
        }

    gradients = group("grad_norm")
    gradients.pop("total", None)
    if not gradients:
        raise UserError(f"{directory} has no readings; health.enabled=true writes them.")
    return RunHealth(result, gradients, group("dead"))


@styled
def draw_run_health(runs: Sequence[RunHealth]) -> Figure:
    """One column per run: gradient norm per layer over the steps, and the share of dead units per
    site; layers from dark (first) to bright (last)."""
    figure = Figure(figsize=(max(WIDTH, 3.4 * len(runs)), 4.8), layout="constrained")
    above, below = figure.subplots(
        2, len(runs), squeeze=False, sharex="col", sharey="row", height_ratios=(3, 2)
    )
    for norm, dead, run in zip(above, below, runs, strict=True):
        _draw_lines(norm, run.gradients, log=True)
        _draw_lines(dead, run.dead, log=False)
        norm.set_title(_title(run.result), fontsize=9.5)
        dead.set(xlabel="step", ylim=(-0.03, 1.03))
    for norm, dead, run in zip(above, below, runs, strict=True):
        _label_first_and_last(norm, run.gradients)
        _label_first_and_last(dead, run.dead)
    above[0].set_ylabel("gradient norm")
    below[0].set_ylabel("share of dead units")
    return figure


def _title(result: RunResult) -> str:
    name = f"test_{result.metric}"
    value = result.metrics.get(name)
    metric = "" if value is None else f"test {result.metric} {in_short(value, decimals=3)}"
    alarms = ", ".join(dict.fromkeys(alarm["kind"] for alarm in result.alarms)) or "no alarm"
    optim = result.parsed_config().optim
    clip = "" if optim.clip is None else f", clip {optim.clip:g}"
    functions = ", ".join(dict.fromkeys(result.assignment.values()))
    return f"{functions}, lr {optim.lr:g}{clip}\n{alarms}\n{metric or result.status}"


def _draw_lines(axes: Axes, lines: Mapping[str, Series], log: bool) -> None:
    """One line per name, coloured by its place."""
    for color, series in zip(_colors(len(lines)), lines.values(), strict=True):
        finite = _finite(series)
        values = [max(value, SMALLEST) if log else value for value in finite.values()]
        axes.plot(list(finite), values, color=color, linewidth=1.4)
    if log:
        axes.set_yscale("log")
    axes.margins(x=0)


def _label_first_and_last(axes: Axes, lines: dict[str, Series]) -> None:
    ends = {
        name: (list(_finite(series).values())[-1], color)
        for (name, series), color in zip(lines.items(), _colors(len(lines)), strict=True)
        if _finite(series) and name in (next(iter(lines)), next(reversed(lines)))
    }
    label_ends(axes, ends)


def _finite(series: Series) -> Series:
    return {step: value for step, value in series.items() if math.isfinite(value)}


def _colors(count: int) -> list[str]:
    """From dark to bright; the brightest third of the map would be lost on white paper."""
    colors = matplotlib.colormaps[MAP]
    return [to_hex(colors(0.85 * place / max(count - 1, 1))) for place in range(count)]
