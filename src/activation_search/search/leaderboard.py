"""What a study found: rows in order of merit, as a table, as CSV, and the line that repeats one."""

import json
import math
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.study import Study
from optuna.trial import FrozenTrial
from rich import box
from rich.markup import escape
from rich.table import Table

from activation_search.atomic import replacing, write_text
from activation_search.config.overrides import command_of
from activation_search.config.run import from_dict
from activation_search.console import command_line, in_short
from activation_search.search.costs import excess
from activation_search.search.pareto import MILLISECONDS, front_marks
from activation_search.search.study import (
    CONTROL,
    ERROR,
    KIND,
    NUMBER,
    OVER_LIMIT,
    fixed_point,
    is_maximised,
)
from activation_search.training.result import DIVERGED, FAILED, FINISHED, PRUNED

if TYPE_CHECKING:
    from pandas import DataFrame

LEADERBOARD_FILE = "leaderboard.json"
# Columns of the printed table that a narrow window leaves out, the least needed first.
DROPPED_FIRST = ("params", "s/run", "status", "SD", "seeds")
NO_LIMITS: Mapping[str, float] = {}


@dataclass
class LeaderboardRow:
    """All trials of one point of the space.

    status: ``finished``; ``diverged`` where any of its runs did, whatever the others gave;
        ``over limit`` where it costs more than it may; ``pruned`` or ``failed`` where none
        finished.
    trials: their numbers. means: number of a trial -> mean over its seeds.
    values: validation metric of every run; of a pruned point its last one.
    times: milliseconds per training step of every trial. front: the costs for which no finished
        row is both better and cheaper, see :func:`activation_search.search.pareto.front_marks`.
    alarms: their kinds. first: smallest of their numbers in the order of asking, which decides
        between rows of equal merit, however long each took.
    """

    point: dict[str, Any]
    status: str
    trials: list[int] = field(default_factory=list)
    means: dict[int, float] = field(default_factory=dict)
    values: list[float] = field(default_factory=list)
    seeds: list[int] = field(default_factory=list)
    directories: list[str] = field(default_factory=list)
    assignment: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    seconds: float = 0.0
    times: list[float] = field(default_factory=list)
    front: str = ""
    reason: str = ""
    alarms: list[str] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    control: bool = False
    first: int = sys.maxsize

    @property
    def mean(self) -> float | None:
        return statistics.fmean(self.values) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation over seeds; ``None`` for one seed."""
        return statistics.stdev(self.values) if len(self.values) > 1 else None

    @property
    def ms_per_step(self) -> float | None:
        """Mean over trials; ``None`` where none was trained."""
        return statistics.fmean(self.times) if self.times else None

    @property
    def label(self) -> str:
        """The point in short: ``gelu``, or ``conv1=gelu conv2=prelu``."""
        if self.control:
            return "baseline"
        if set(self.point) == {"activation"}:
            return str(self.point["activation"])
        return "  ".join(f"{key}={_short(value)}" for key, value in self.point.items())


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


_ORDER = {FINISHED: 0, PRUNED: 1, OVER_LIMIT: 2, DIVERGED: 3, FAILED: 4}


def rank(study: Study, limits: Mapping[str, float] = NO_LIMITS) -> list[LeaderboardRow]:
    """Finished points by their mean, then pruned ones, those over a limit, diverged and failed
    ones. Control trials make one row.

    Args:
        study: with several objectives, ranked by the first.
        limits: cost -> what a point may cost, time as the mean over its trials.
    """
    rows: dict[tuple, LeaderboardRow] = {}
    for trial in study.get_trials(deepcopy=False):
        if not trial.state.is_finished() or KIND not in trial.user_attrs:
            continue  # of another program
        control = trial.user_attrs.get(KIND) == CONTROL
        point = fixed_point(trial)
        key = ("control",) if control else tuple(sorted(point.items()))
        _add(rows.setdefault(key, LeaderboardRow(point, FAILED, control=control)), trial)
    maximise = is_maximised(study)
    for row in rows.values():
        _hold_to(limits, row)
    _mark_fronts([row for row in rows.values() if row.status == FINISHED], maximise)

    def merit(row: LeaderboardRow) -> tuple:
        mean = row.mean if row.mean is not None else float("-inf" if maximise else "inf")
        return _ORDER[row.status], -mean if maximise else mean, row.first

    return sorted(rows.values(), key=merit)


def _hold_to(limits: Mapping[str, float], row: LeaderboardRow) -> None:
    """A row whose steps take too long is over the limit; copies of the baseline may be."""
    reason = excess(MILLISECONDS, row.ms_per_step or 0.0, limits)
    if reason and row.status == FINISHED and not row.control:
        row.status, row.reason = OVER_LIMIT, reason


def _mark_fronts(finished: Sequence[LeaderboardRow], maximise: bool) -> None:
    judged = [row for row in finished if row.values]
    marks = front_marks(
        [statistics.fmean(row.values) for row in judged],
        [row.parameters for row in judged],
        [row.ms_per_step or 0.0 for row in judged],
        "max" if maximise else "min",
    )
    for row, mark in zip(judged, marks, strict=True):
        row.front = mark


def _add(row: LeaderboardRow, trial: FrozenTrial) -> None:
    found = trial.user_attrs
    row.trials.append(trial.number)
    row.first = min(row.first, found[NUMBER])
    if ERROR in found:
        row.reason = found["reason"]
        return
    status = found["status"]
    if row.status == PRUNED and status != PRUNED:
        row.values, row.means = [], {}  # of an earlier epoch: not to be averaged with final ones
    if status == DIVERGED or (row.status != DIVERGED and _ORDER[status] < _ORDER[row.status]):
        row.status = status
    row.reason = row.reason or found["reason"] or ""
    values = [value for value in found["values"] if value is not None and math.isfinite(value)]
    if values and (status == row.status or status == FINISHED) and status != DIVERGED:
        row.values += values
        row.means[trial.number] = statistics.fmean(values)
    row.seeds += found["seeds"]
    row.directories += found["directory"]
    row.seconds += found["seconds"]
    if found["ms_per_step"] is not None:
        row.times.append(found["ms_per_step"])
    row.alarms = sorted({*row.alarms, *found["alarms"]})
    row.assignment, row.parameters = found["assignment"], found["parameters"]
    row.config = row.config or found["config"]


def size_of_luck(rows: Sequence[LeaderboardRow], mode: str) -> float | None:
    """Selection luck: best minus median of the baseline copies; ``None`` without at least two."""
    means = next((list(row.means.values()) for row in rows if row.control), [])
    if len(means) < 2:
        return None
    best = max(means) if mode == "max" else min(means)
    return abs(best - statistics.median(means))


def reproduce(row: LeaderboardRow) -> str:
    """The command that repeats a row's runs."""
    return command_of(from_dict(row.config), row.seeds)


def leaderboard_table(rows: Sequence[LeaderboardRow], metric: str, most: int = 20) -> Table:
    """Rank, assignment, metric and spread, seeds, costs and their Pareto fronts, status."""
    table = Table(title=f"validation {metric}", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("#", justify="right")
    keys = list(dict.fromkeys(key for row in rows for key in row.point if "." not in key))
    for key in keys or ["activation"]:
        table.add_column(escape(key.replace("+", " ")))
    if drawn := any("." in key for row in rows for key in row.point):
        table.add_column("drawn")
    for heading in ("mean", "SD", "seeds", "params", "ms/step", "s/run"):
        table.add_column(heading, justify="right")
    table.add_column("Pareto")
    table.add_column("status", min_width=8)
    if alarmed := any(row.alarms for row in rows):
        table.add_column("alarms")
    for number, row in enumerate(rows[:most], start=1):
        runs = max(len(row.seeds), 1)
        others = (f"{k.rpartition('.')[2]}={_short(v)}" for k, v in row.point.items() if "." in k)
        table.add_row(
            str(number),
            *(escape(str(row.point.get(key, "baseline" if row.control else ""))) for key in keys),
            *([escape(" ".join(others))] if drawn else []),
            "" if row.mean is None else in_short(row.mean),
            "" if row.spread is None else in_short(row.spread),
            str(len(row.values)),
            f"{row.parameters:,}",
            "" if row.ms_per_step is None else f"{row.ms_per_step:.2f}",
            f"{row.seconds / runs:.1f}",
            row.front,
            escape(row.status + (f": {row.reason}" if row.reason else "")),
            *([", ".join(row.alarms)] if alarmed else []),
        )
    if len(rows) > most:
        table.caption = f"{len(rows) - most} more in trials.csv"
    return table


def as_plain(
    rows: Sequence[LeaderboardRow], study: Study, metric: str, setting: dict[str, Any]
) -> dict[str, Any]:
    """What a report, or a comparison of some rows, needs to know of a study."""
    return {
        "name": study.study_name,
        "metric": metric,
        "rows": [
            {
                **asdict(row),
                "label": row.label,
                "mean": row.mean,
                "spread": row.spread,
                "ms_per_step": row.ms_per_step,
            }
            for row in rows
        ],
        "luck": size_of_luck(rows, "max" if is_maximised(study) else "min"),
        "setting": setting,
        "command": command_line(),
        "repeat": [reproduce(row) for row in rows[:3] if row.config],
    }


def write_json(
    rows: Sequence[LeaderboardRow], study: Study, metric: str, setting: dict[str, Any], path: Path
) -> None:
    """Writes what :func:`as_plain` gives, whole or not at all."""
    plain = as_plain(rows, study, metric, setting)
    write_text(path, json.dumps(plain, indent=1) + "\n")


def to_frame(rows: Sequence[LeaderboardRow]) -> "DataFrame":
    """One line per row, with all its runs."""
    import pandas as pd

    def column(name: str) -> list[str]:
        return [" ".join(map(str, getattr(row, name))) for row in rows]

    keys = dict.fromkeys(key for row in rows for key in row.point)
    sites = dict.fromkeys(site for row in rows for site in row.assignment)
    return pd.DataFrame(
        {
            "rank": range(1, len(rows) + 1),
            "status": [row.status for row in rows],
            "reason": [row.reason for row in rows],
            "trials": column("trials"),
            "seeds": column("seeds"),
            "values": column("values"),
            "mean": [row.mean for row in rows],
            "sd": [row.spread for row in rows],
            "parameters": [row.parameters for row in rows],
            "ms_per_step": [row.ms_per_step for row in rows],
            "seconds": [round(row.seconds, 3) for row in rows],
            "front": [row.front for row in rows],
            "alarms": column("alarms"),
            **{f"param:{key}": [row.point.get(key, "") for row in rows] for key in keys},
            **{f"site:{site}": [row.assignment.get(site, "") for row in rows] for site in sites},
            "directories": column("directories"),
            "command": [reproduce(row) if row.config else "" for row in rows],
        }
    )


def write_csv(rows: Sequence[LeaderboardRow], path: Path) -> None:
    """The table of :func:`to_frame`, whole or not at all."""
    with replacing(path) as new:
        to_frame(rows).to_csv(new, index=False)
