"""Trains every candidate on the same seeds and compares each with the baseline."""

import itertools
import math
import statistics
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from activation_search.activations.names import own_name
from activation_search.config.compare import CompareConfig
from activation_search.config.limits import check
from activation_search.config.optim import check_grid
from activation_search.config.run import TrainConfig, describe
from activation_search.console import command_line, print_note
from activation_search.data.registry import load_source
from activation_search.engine.runner import Runner
from activation_search.engine.runs import run_all
from activation_search.errors import UserError, unknown
from activation_search.evidence.bases import base_on, names_in
from activation_search.evidence.candidates import from_studies, parse_candidates
from activation_search.evidence.results import Arm, Block, Evidence, numbers, rank_blocks
from activation_search.evidence.statistics import compare
from activation_search.training.directory import check_name
from activation_search.training.own_parts import check_own_parts
from activation_search.training.result import FINISHED, RunResult, versions
from activation_search.training.task import criterion_of

Key = TypeVar("Key", bound=Hashable)

# Seeds far above those of any study, and the same however long a study is resumed.
FRESH_SEED = 10_000
# Learning rates are tuned at a seed that no comparison reaches.
TUNING_SEED = 100_000


def run_compare(config: CompareConfig, runner: Runner) -> tuple[Evidence, Path]:
    """Trains what is missing, compares, and writes ``comparison.json``.

    Args:
        config: the comparison.
        runner: what trains the runs.

    Returns:
        The evidence and its folder.

    Raises:
        UserError: a setting or candidate that is not valid.
    """
    check(config)
    if config.trainer.fast_dev_run:
        raise UserError("trainer.fast_dev_run=true has no result to compare; use few epochs.")
    check_grid(config.optim, config.lr_grid)
    models = names_in(config.models, "models") or [config.model.name]
    datasets = names_in(config.datasets, "datasets") or [config.data.option]
    labels = [*(config.models or [config.model.label]), *(config.datasets or [config.data.label])]
    name = config.name or "-".join(labels)
    check_name(name)
    folder = Path(config.logs) / "compare" / name
    blocks = []
    check_own_parts(config)
    pairs = itertools.product(models, datasets)
    # All are checked before the first is trained.
    for base in [base_on(config, f"compare/{name}/runs", *pair) for pair in pairs]:
        print_note(load_source(base.data).origin, runner.console)
        assignments = parse_candidates(config.candidates, base)
        baseline = own_name(config.baseline) or next(iter(assignments))
        if baseline not in assignments:
            raise unknown("baseline", baseline, assignments)
        candidates = {label: replace(base, activation=a) for label, a in assignments.items()}
        tuned: dict[str, dict[str, float]] = {}
        if config.tune_lr:
            candidates, tuned = tune(candidates, config.lr_grid, runner)
        # What a study chose is judged on seeds that no study reaches.
        first = config.seed + (FRESH_SEED if from_studies(config.candidates) else 0)
        seeds = range(first, first + config.seeds)
        blocks.append(compare_runs(candidates, baseline, seeds, runner, tuned))
    ranks = rank_blocks(blocks) if len(blocks) > 1 else {}
    evidence = Evidence(blocks, ranks, command_line(), versions())
    evidence.write(folder)
    return evidence, folder


def compare_runs(
    candidates: Mapping[str, TrainConfig],
    baseline: str,
    seeds: Sequence[int],
    runner: Runner,
    tuned: Mapping[str, dict[str, float]] | None = None,
) -> Block:
    """Each candidate against the baseline on the same seeds; each run reads the test split once,
    at its end.

    Args:
        candidates: label -> run.
        baseline: one of the labels.
        seeds: for all of them.
        runner: what trains them.
        tuned: what :func:`tune` said of the candidates' learning rates, if it chose them.
    """
    runs = {
        (label, seed): replace(_tested(config), seed=seed)
        for label, config in candidates.items()
        for seed in seeds
    }
    first = candidates[baseline]
    criterion = criterion_of(first)
    results = run_all(runs, runner, f"{first.model.label} on {first.data.label}")
    arms = {
        label: _arm(config, [results[label, seed] for seed in seeds], (tuned or {}).get(label, {}))
        for label, config in candidates.items()
    }
    others = {
        label: numbers(arm.values)
        for label, arm in arms.items()
        if label != baseline and not arm.diverged and not arms[baseline].diverged
    }
    comparisons = compare(numbers(arms[baseline].values), others, criterion.mode)
    return Block(
        first.model.label,
        first.data.label,
        criterion.metric,
        criterion.mode,
        baseline,
        list(seeds),
        arms,
        comparisons,
        describe(first),
    )


def _tested(config: TrainConfig) -> TrainConfig:
    """The run with its final test; early stopping tests its best weights, which it must keep."""
    keeps = config.early_stopping.patience is not None
    return replace(config, test=True, trainer=replace(config.trainer, checkpoints=keeps))


def tune(
    candidates: Mapping[str, TrainConfig], grid: Sequence[float], runner: Runner
) -> tuple[dict[str, TrainConfig], dict[str, dict[str, float]]]:
    """Each candidate, the baseline among them, at its best learning rate of the same grid.

    Returns:
        The candidates, and what the validation split said: label -> rate -> metric.
    """
    first = next(iter(candidates.values()))
    criterion = criterion_of(first)
    if not first.validates:
        raise UserError("tune_lr=true needs a validation split: data.validation=0.2.")
    runs = {
        (label, lr): replace(
            config, optim=replace(config.optim, lr=lr), seed=config.seed + TUNING_SEED, test=False
        )
        for label, config in candidates.items()
        for lr in grid
    }
    for run in runs.values():
        check(run)
    results = run_all(runs, runner, "learning rates")
    sign = criterion.sign
    found: dict[str, dict[str, float]] = {label: {} for label in candidates}
    for (label, lr), value in validated(results, criterion.metric).items():
        found[label][repr(lr)] = value
    chosen = {}
    for label, config in candidates.items():
        # One that diverges at every rate shows it in the comparison.
        rates = found[label] or {repr(min(grid)): math.nan}
        best = max(rates, key=lambda lr: sign * rates[lr])
        chosen[label] = replace(config, optim=replace(config.optim, lr=float(best)))
    return chosen, found


def validated(results: Mapping[Key, RunResult], metric: str) -> dict[Key, float]:
    """The validation metric of each run that finished with one, by the runs' keys."""
    name = f"val_{metric}"
    return {
        key: result.metrics[name]
        for key, result in results.items()
        if result.status == FINISHED and math.isfinite(result.metrics.get(name, math.nan))
    }


def _arm(config: TrainConfig, results: list[RunResult], tuned: dict[str, float]) -> Arm:
    def metric(split: str) -> list[float | None]:
        name = f"{split}_{results[0].metric}"
        return [r.metrics.get(name) if r.status == FINISHED else None for r in results]

    return Arm(
        values=metric("test"),
        validation=metric("val"),
        directories=[result.directory for result in results],
        parameters=results[0].parameters,
        step_seconds=statistics.fmean(r.step_seconds for r in results),
        lr=config.optim.lr,
        assignment=results[0].assignment,
        alarms=sorted({alarm["kind"] for result in results for alarm in result.alarms}),
        tuned=tuned,
    )
