"""A multirun of ``train.py`` seen as a study: its runs ranked as trials are."""

import math
import shlex
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import optuna
import yaml
from optuna.trial import TrialState, create_trial

from activation_search.config.overrides import to_overrides, what_differs
from activation_search.config.run import from_dict
from activation_search.errors import UserError
from activation_search.search.attributes import describe_results
from activation_search.search.leaderboard import as_plain, rank
from activation_search.search.study import KIND, NUMBER, PLANNED
from activation_search.search.sweep import Sweep
from activation_search.training.result import (
    DIVERGED,
    FAILED,
    FINISHED,
    RESULT_FILE,
    RunResult,
    note_once,
    read_or_skip,
)
from activation_search.training.task import mode_of

MULTIRUN_MODE = "hydra.mode=MULTIRUN"  # what -m stands for


def rank_runs(folder: Path) -> dict[str, Sweep]:
    """The ended runs of a multirun, ranked by their mean over seeds.

    Args:
        folder: the multirun's, ``logs/multirun/<time>``.

    Returns:
        A ranking per data set and metric, by the label of the data set, and the metric where one is
        judged by several; values of different kinds have no common order.
    """
    by_kind: dict[tuple[str, str], list[RunResult]] = defaultdict(list)
    for path in sorted(folder.glob(f"*/*/{RESULT_FILE}")):
        result = read_or_skip(path.parent)
        if result and result.status in (FINISHED, DIVERGED, FAILED) and _is_of_here(result):
            by_kind[result.parsed_config().data.label, result.metric].append(result)
    several = Counter(data for data, _ in by_kind)
    return {
        f"{data}-{metric}" if several[data] > 1 else data: _ranked(results, folder)
        for (data, metric), results in by_kind.items()
    }


def _is_of_here(result: RunResult) -> bool:
    """Whether it can be ranked; a note says of one from elsewhere that it is left out."""
    try:
        mode_of(result.metric)
    except LookupError:
        note_once(f"Note: skipped {result.directory}: its metric {result.metric!r} is unknown")
        return False
    try:
        to_overrides(result.parsed_config())
    except UserError as error:
        note_once(f"Note: skipped {result.directory}: {error}")
        return False
    return True


def _ranked(results: list[RunResult], folder: Path) -> Sweep:
    metric = results[0].metric
    mode = mode_of(metric)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name=f"multirun {folder.name}",
        direction="maximize" if mode == "max" else "minimize",
    )
    configs = [result.parsed_config() for result in results]
    for number, differing in enumerate(what_differs(configs)):
        result = results[number]
        value = result.metrics.get(f"val_{metric}", math.nan)
        ended = result.status == FINISHED and math.isfinite(value)
        point = {key: _number(text) for key, text in differing.items()}
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if ended else TrialState.FAIL,
                value=value if ended else None,
                user_attrs={KIND: PLANNED, NUMBER: number, **describe_results([result])},
                system_attrs={
                    "fixed_params": point or {"activation": str(configs[number].activation)}
                },
            )
        )
    return Sweep(study, folder, "", rank(study), metric, mode, baseline={})


def _number(text: str) -> str | float:
    """A fraction as a number, which a table shortens."""
    try:
        return text if text.isdigit() else float(text)
    except ValueError:
        return text


def describe_multirun(folder: Path) -> tuple[Sweep, dict[str, Any]]:
    """The ranking of a multirun, and what a report needs to know of it.

    Raises:
        UserError: no run that ended is there, or runs on several data sets or judged by several
            metrics are.
    """
    rankings = rank_runs(folder)
    if len(rankings) > 1:
        raise UserError(
            f"{folder} holds runs on several data sets, or judged by several metrics "
            f"({', '.join(rankings)}), which have no common ranking."
        )
    if not rankings:
        raise UserError(f"{folder} holds no run that ended.")
    [sweep] = rankings.values()
    given = [to_overrides(from_dict(row.config)) for row in sweep.rows]
    shared = [o for o in given[0] if all(o in others for others in given)]
    setting = dict(o.split("=", 1) for o in shared if not o.startswith("seed="))
    plain = as_plain(sweep.rows, sweep.study, sweep.metric, setting)
    return sweep, {**plain, "command": _command(folder)}


def _command(folder: Path) -> str:
    """The command of the multirun, as far as Hydra has kept it."""
    try:
        kept = yaml.safe_load((folder / "multirun.yaml").read_text(encoding="utf-8"))
        overrides = kept["hydra"]["overrides"]
        words = [*overrides["hydra"], *overrides["task"]]
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return "python train.py -m …"
    return shlex.join(["python", "train.py", "-m", *(w for w in words if w != MULTIRUN_MODE)])
