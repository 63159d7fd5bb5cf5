"""Trains every candidate on the same seeds and compares each with the baseline."""

import json
import math
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from activation_search.errors import UserError, unknown
from activation_search.evidence.candidates import parse_candidates
from activation_search.evidence.config import CompareConfig
from activation_search.evidence.runs import run_all
from activation_search.evidence.statistics import Comparison, compare, mean_ranks
from activation_search.settings import check
from activation_search.training.config import TrainConfig, describe
from activation_search.training.result import FINISHED, RunResult, versions
from activation_search.training.task import Classification
from activation_search.workers import threads_per_worker, worker_count

COMPARISON_FILE = "comparison.json"
# Learning rates are tuned at a seed that no comparison reaches.
TUNING_SEED = 100_000


@dataclass
class Arm:
    """All runs of one candidate.

    values: test metric per seed; validation: the same of the validation split. Both are null for a
    run that diverged. step_seconds: of training, mean. selection: the validation mean that a study
    chose it by, or none. tuned: learning rate -> validation metric, where it was tuned.
    """

    values: list[float | None]
    validation: list[float | None]
    directories: list[str]
    parameters: int
    step_seconds: float
    lr: float
    assignment: dict[str, str]
    alarms: list[str] = field(default_factory=list)
    selection: float | None = None
    tuned: dict[str, float] = field(default_factory=dict)

    @property
    def at_end_of_grid(self) -> bool:
        """Whether the best learning rate was the smallest or largest one tried."""
        rates = sorted(float(rate) for rate in self.tuned)
        return len(rates) > 1 and self.lr in (rates[0], rates[-1])

    @property
    def diverged(self) -> int:
        """Number of runs that diverged."""
        return sum(value is None for value in self.values)


@dataclass
class Block:
    """One model on one data set.

    comparisons: candidate -> comparison with the baseline; those that diverged on a seed have none
    and count as worse.
    """

    model: str
    data: str
    metric: str
    mode: str
    baseline: str
    seeds: list[int]
    arms: dict[str, Arm]
    comparisons: dict[str, Comparison] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.model} on {self.data}"


@dataclass
class Evidence:
    """A whole comparison. ranks: candidate -> mean rank over blocks, for two blocks or more.
    setting: what all runs share. command: that repeats it."""

    blocks: list[Block]
    ranks: dict[str, float]
    setting: dict[str, Any]
    command: str
    versions: dict[str, str]

    def write(self, folder: Path) -> Path:
        """As JSON."""
        path = folder / COMPARISON_FILE
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
        return path


def read_evidence(folder: Path) -> Evidence:
    """What :meth:`Evidence.write` wrote.

    Raises:
        OSError: there is none.
    """
    plain = json.loads((folder / COMPARISON_FILE).read_text())
    plain["blocks"] = [_block(block) for block in plain["blocks"]]
    return Evidence(**plain)


def _block(plain: dict[str, Any]) -> Block:
    plain["arms"] = {label: Arm(**arm) for label, arm in plain["arms"].items()}
    plain["comparisons"] = {n: Comparison(**c) for n, c in plain["comparisons"].items()}
    return Block(**plain)


def run_compare(config: CompareConfig, console: Console) -> tuple[Evidence, Path]:
    """Trains what is missing, compares, and writes ``comparison.json``.

    Returns:
        The evidence and its folder.

    Raises:
        UserError: a setting or candidate that is not valid, or a baseline that diverges.
    """
    check(config)
    name = config.name or "-".join([*_names(config, "models"), *_names(config, "datasets")])
    if Path(name).name != name:
        raise UserError(f"name={name} must be the name of one folder, without a slash.")
    folder = Path(config.logs) / "compare" / name
    workers = worker_count(config.workers, config)
    blocks = []
    for base in _bases(config, f"compare/{name}/runs", workers):
        assignments = parse_candidates(config.candidates, base)
        baseline = config.baseline or next(iter(assignments))
        if baseline not in assignments:
            raise unknown("baseline", baseline, assignments)
        candidates = {label: replace(base, activation=a) for label, a in assignments.items()}
        tuned: dict[str, dict[str, float]] = {}
        if config.tune_lr:
            candidates, tuned = tune(candidates, config.lr_grid, workers, console)
        seeds = range(config.seed, config.seed + config.seeds)
        block = compare_runs(candidates, baseline, seeds, workers, console)
        for label, rates in tuned.items():
            block.arms[label].tuned = rates
        blocks.append(block)
    command = shlex.join(["python", script(), *sys.argv[1:]])
    evidence = Evidence(blocks, _ranks(blocks), describe(config), command, versions())
    evidence.write(folder)
    return evidence, folder


def compare_runs(
    candidates: Mapping[str, TrainConfig],
    baseline: str,
    seeds: Sequence[int],
    workers: int,
    console: Console,
) -> Block:
    """Each candidate against the baseline on the same seeds; each run reads the test split once,
    at its end.

    Args:
        candidates: label -> run.
        baseline: one of the labels.
        seeds: for all of them.
        workers, console: see :func:`run_all`.

    Raises:
        UserError: the baseline diverges.
    """
    runs = {
        (label, seed): replace(config, seed=seed, test=True)
        for label, config in candidates.items()
        for seed in seeds
    }
    first = candidates[baseline]
    results = run_all(runs, workers, f"{first.model.name} on {first.data.name}", console)
    arms = {
        label: _arm(candidates[label], [results[label, seed] for seed in seeds])
        for label in candidates
    }
    if arms[baseline].diverged:
        raise UserError(
            f"The baseline {baseline} diverged on {arms[baseline].diverged} of {len(seeds)} seeds, "
            "so that nothing can be compared with it; choose another, or a smaller optim.lr."
        )
    others = {
        label: _numbers(arm.values)
        for label, arm in arms.items()
        if label != baseline and not arm.diverged
    }
    comparisons = compare(_numbers(arms[baseline].values), others, Classification.mode)
    return Block(
        first.model.name,
        first.data.name,
        Classification.metric,
        Classification.mode,
        baseline,
        list(seeds),
        arms,
        comparisons,
    )


def tune(
    candidates: Mapping[str, TrainConfig], grid: Sequence[float], workers: int, console: Console
) -> tuple[dict[str, TrainConfig], dict[str, dict[str, float]]]:
    """Each candidate, the baseline among them, at its best learning rate of the same grid.

    Returns:
        The candidates, and what the validation split said: label -> rate -> metric.
    """
    if not next(iter(candidates.values())).validates:
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
    results = run_all(runs, workers, "learning rates", console)
    sign = 1 if Classification.mode == "max" else -1
    found: dict[str, dict[str, float]] = {label: {} for label in candidates}
    for (label, lr), result in results.items():
        value = result.metrics.get(f"val_{Classification.metric}", math.nan)
        if result.status == FINISHED and value is not None:
            found[label][f"{lr:g}"] = value
    chosen = {}
    for label, config in candidates.items():
        if not found[label]:
            raise UserError(f"{label} diverged at every learning rate of lr_grid.")
        best = max(found[label], key=lambda lr: sign * found[label][lr])
        chosen[label] = replace(config, optim=replace(config.optim, lr=float(best)))
    return chosen, found


def _arm(config: TrainConfig, results: list[RunResult]) -> Arm:
    def metric(split: str) -> list[float | None]:
        name = f"{split}_{results[0].metric}"
        return [r.metrics.get(name) if r.status == FINISHED else None for r in results]

    return Arm(
        values=metric("test"),
        validation=metric("val"),
        directories=[result.directory for result in results],
        parameters=results[0].parameters,
        step_seconds=statistics.fmean(r.training_seconds / max(r.steps, 1) for r in results),
        lr=config.optim.lr,
        assignment=results[0].assignment,
        alarms=sorted({alarm["kind"] for result in results for alarm in result.alarms}),
    )


def _numbers(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _names(config: CompareConfig, key: str) -> list[str]:
    given = getattr(config, key)
    if given is None:
        return [config.model.name if key == "models" else config.data.name]
    if not isinstance(given, list) or not all(isinstance(name, str) for name in given):
        raise UserError(f"{key} must be a list of names, not {given!r}.")
    return given


def _bases(config: CompareConfig, group: str, workers: int) -> list[TrainConfig]:
    """One run per model and data set, with that model's and data set's own settings where it is
    not the one that the command line configured."""
    from activation_search.compose import compose

    plain = {key: getattr(config, key) for key in TrainConfig.__dataclass_fields__}
    trainer = replace(config.trainer, progress=False, threads=threads_per_worker(config, workers))
    given = TrainConfig(**{**plain, "trainer": trainer, "group": group, "resume": None})
    bases = []
    for model in _names(config, "models"):
        for data in _names(config, "datasets"):
            own: TrainConfig = compose([f"model={model}", f"data={data}"])
            base = given
            if model != config.model.name:
                base = replace(base, model=own.model)
            if data != config.data.name:
                base = replace(base, data=own.data)
            bases.append(base)
    return bases


def _ranks(blocks: Sequence[Block]) -> dict[str, float]:
    """Over blocks; a candidate that diverged ranks last in that block."""
    if len(blocks) < 2:
        return {}
    mode = blocks[0].mode
    worst = -math.inf if mode == "max" else math.inf
    values = {
        label: [
            worst if (arm := block.arms[label]).diverged else statistics.fmean(_numbers(arm.values))
            for block in blocks
        ]
        for label in blocks[0].arms
    }
    return mean_ranks(values, mode)


def script() -> str:
    """The script that runs, as the README calls it."""
    return f"scripts/{Path(sys.argv[0]).name}"
