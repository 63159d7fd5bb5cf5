"""The last stage of a study: its best, and the baseline, on seeds that it never used."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from activation_search.errors import UserError
from activation_search.evidence.compare import Evidence, compare_runs, script
from activation_search.search.config import SweepConfig
from activation_search.search.leaderboard import Row
from activation_search.search.space import baseline
from activation_search.search.sweep import Sweep, base_config
from activation_search.training.config import TrainConfig, describe, from_dict
from activation_search.training.result import FINISHED, versions
from activation_search.workers import worker_count

# Far above the seeds of any study, and the same however long a study goes on.
FRESH_SEED = 10_000


def confirm(sweep: Sweep, config: SweepConfig, console: Console) -> Evidence:
    """Compares the best ``config.confirm`` rows with the baseline; writes ``comparison.json``.

    The baseline is the study's own best run of it, with the learning rate and other settings that
    the study found for it, where it was among the candidates.

    Raises:
        UserError: the study has no row to confirm, or the baseline diverges.
    """
    workers = worker_count(config.workers, config)
    base = base_config(config, sweep.folder.name, workers)
    finished = [row for row in sweep.rows if row.status == FINISHED]
    others = [row for row in finished if not row.control and row.assignment != sweep.baseline]
    if not others:
        raise UserError("There is nothing to confirm: no trial finished but those of the baseline.")
    chosen = {f"#{sweep.rows.index(row) + 1} {row.label}": row for row in others[: config.confirm]}
    candidates = {label: _run(row, base) for label, row in chosen.items()}
    own = next((r for r in finished if not r.control and r.assignment == sweep.baseline), None)
    label = "baseline"
    candidates[label] = _run(own, base) if own else replace(baseline(base), group=_group(base))
    seeds = range(FRESH_SEED + config.seed, FRESH_SEED + config.seed + config.confirm_seeds)
    block = compare_runs(candidates, label, seeds, workers, console)
    for name, row in [*chosen.items(), *([(label, own)] if own else [])]:
        block.arms[name].selection = row.mean
    command = shlex.join(["python", script(), *sys.argv[1:]])
    evidence = Evidence([block], {}, describe(base), command, versions())
    evidence.write(sweep.folder)
    return evidence


def _run(row: Row, base: TrainConfig) -> TrainConfig:
    config: TrainConfig = from_dict(row.config)
    return replace(config, group=_group(base), logs=base.logs)


def _group(base: TrainConfig) -> str:
    return str(Path(base.group).with_name("confirm"))
