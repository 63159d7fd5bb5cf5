"""The last stage of a study: its best, and the baseline, on seeds that it never used."""

from dataclasses import replace
from pathlib import Path

from activation_search.config.run import TrainConfig, from_dict
from activation_search.config.search import SweepConfig
from activation_search.console import command_line
from activation_search.engine.runner import Runner
from activation_search.engine.runs import run_all
from activation_search.errors import UserError
from activation_search.evidence.compare import FRESH_SEED, compare_runs, validated
from activation_search.evidence.results import Evidence
from activation_search.search.leaderboard import LeaderboardRow
from activation_search.search.space import baseline
from activation_search.search.sweep import Sweep, base_config
from activation_search.training.criterion import Criterion
from activation_search.training.result import FINISHED, versions
from activation_search.user_code import check_trusted


def confirm(sweep: Sweep, config: SweepConfig, runner: Runner) -> Evidence:
    """Compares the best ``config.confirm`` rows with the baseline; writes ``comparison.json``.

    The baseline has been searched like the others: it is the study's own best row of it, or, where
    it was no candidate, the best on the validation split at every setting that the study drew.

    Raises:
        UserError: the study has no row to confirm.
    """
    base = base_config(config, sweep.folder.name)
    finished = [row for row in sweep.rows if row.status == FINISHED]
    others = [row for row in finished if not row.control and row.assignment != sweep.baseline]
    if not others:
        raise UserError("There is nothing to confirm: no trial finished but those of the baseline.")
    chosen = {f"#{sweep.rows.index(row) + 1} {row.label}": row for row in others[: config.confirm]}
    # Rows come from the study's storage, which others may have written to.
    named = config.import_paths()
    for row in finished:
        check_trusted(from_dict(row.config).import_paths(), sweep.folder, config.trust, named)
    candidates = {label: _run(row, base) for label, row in chosen.items()}
    own = next((r for r in finished if not r.control and r.assignment == sweep.baseline), None)
    label = "baseline"
    if own:
        candidates[label] = _run(own, base)
    else:
        candidates[label] = _best_setting(finished, base, sweep, runner)
    seeds = range(FRESH_SEED + config.seed, FRESH_SEED + config.seed + config.confirm_seeds)
    block = compare_runs(candidates, label, seeds, runner)
    for name, row in [*chosen.items(), *([(label, own)] if own else [])]:
        block.arms[name].selection = row.mean
    trials = sum(len(row.trials) for row in sweep.rows)
    evidence = Evidence([block], {}, command_line(), versions(), trials)
    evidence.write(sweep.folder)
    return evidence


def _run(row: LeaderboardRow, base: TrainConfig) -> TrainConfig:
    config: TrainConfig = from_dict(row.config)
    return replace(config, group=_group(base), logs=base.logs)


def _best_setting(
    rows: list[LeaderboardRow], base: TrainConfig, sweep: Sweep, runner: Runner
) -> TrainConfig:
    """The baseline at the best of the settings that the study drew, one run each: no more than the
    study itself had."""
    own = baseline(base).activation
    settings = [
        replace(_run(row, base), activation=own, seed=base.seed, test=False) for row in rows
    ]
    results = run_all(dict(enumerate(settings)), runner, "baseline")
    values = validated(results, sweep.metric)
    sign = Criterion(sweep.metric, sweep.mode).sign
    # One that diverges at all of them shows it in the comparison.
    return settings[max(values, key=lambda index: sign * values[index], default=0)]


def _group(base: TrainConfig) -> str:
    return str(Path(base.group).with_name("confirm"))
