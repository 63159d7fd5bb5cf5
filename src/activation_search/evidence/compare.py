"""Trains every candidate on the same seeds and compares each with the baseline."""

import json
import math
import os
import shlex
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from activation_search.errors import UserError, unknown
from activation_search.evidence.candidates import from_studies, parse_candidates
from activation_search.evidence.config import CompareConfig
from activation_search.evidence.runs import run_all
from activation_search.evidence.statistics import Comparison, compare, mean_ranks
from activation_search.settings import check
from activation_search.training.config import TrainConfig, describe
from activation_search.training.result import FINISHED, RunResult, versions
from activation_search.training.task import task_of
from activation_search.workers import threads_per_worker, worker_count

COMPARISON_FILE = "comparison.json"
# Seeds far above those of any study, and the same however long a study goes on.
FRESH_SEED = 10_000
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

    comparisons: candidate -> comparison with the baseline; those that diverged on a seed have none,
    and none has one where the baseline diverged. setting: what all runs share.
    """

    model: str
    data: str
    metric: str
    mode: str
    baseline: str
    seeds: list[int]
    arms: dict[str, Arm]
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    setting: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.model} on {self.data}"


@dataclass
class Evidence:
    """A whole comparison.

    ranks: candidate -> mean rank over blocks, for two blocks or more. command: that repeats it.
    trials: how many a study had when its best were confirmed; none for a comparison by itself.
    """

    blocks: list[Block]
    ranks: dict[str, float]
    command: str
    versions: dict[str, str]
    trials: int | None = None

    def write(self, folder: Path) -> Path:
        """As JSON, whole or not at all. An earlier comparison of other candidates is kept under
        the time of its writing."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / COMPARISON_FILE
        if path.exists() and not self._contains(path):
            stamp = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y%m%d-%H%M%S")
            path.rename(path.with_stem(f"{path.stem}-{stamp}"))
        new = path.with_suffix(".json.new")
        new.write_text(json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")
        os.replace(new, path)
        return path

    def _contains(self, path: Path) -> bool:
        earlier = json.loads(path.read_text())["blocks"]
        own = {block.label: block for block in self.blocks}
        return all(
            (label := f"{block['model']} on {block['data']}") in own
            and set(block["arms"]) <= set(own[label].arms)
            for block in earlier
        )


def read_evidence(folder: Path) -> Evidence:
    """What :meth:`Evidence.write` wrote.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = folder / COMPARISON_FILE
    try:
        plain = json.loads(path.read_text())
        plain["blocks"] = [_block(block) for block in plain["blocks"]]
        return Evidence(**plain)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is no comparison: {error}.") from error


def _block(plain: dict[str, Any]) -> Block:
    plain["arms"] = {label: Arm(**arm) for label, arm in plain["arms"].items()}
    plain["comparisons"] = {n: Comparison(**c) for n, c in plain["comparisons"].items()}
    return Block(**plain)


def run_compare(config: CompareConfig, console: Console) -> tuple[Evidence, Path]:
    """Trains what is missing, compares, and writes ``comparison.json``.

    Returns:
        The evidence and its folder.

    Raises:
        UserError: a setting or candidate that is not valid.
    """
    check(config)
    if config.trainer.fast_dev_run:
        raise UserError("trainer.fast_dev_run=true has no result to compare; use few epochs.")
    if not config.lr_grid:
        raise UserError("lr_grid must list learning rates, not be empty.")
    name = config.name or "-".join([*_names(config, "models"), *_names(config, "datasets")])
    if Path(name).name != name or name == "..":
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
        # What a study chose is judged on seeds that no study reaches.
        first = config.seed + (FRESH_SEED if from_studies(config.candidates) else 0)
        seeds = range(first, first + config.seeds)
        block = compare_runs(candidates, baseline, seeds, workers, console)
        for label, rates in tuned.items():
            block.arms[label].tuned = rates
        blocks.append(block)
    command = shlex.join(["python", script(), *sys.argv[1:]])
    evidence = Evidence(blocks, rank_blocks(blocks) if len(blocks) > 1 else {}, command, versions())
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
    """
    runs = {
        (label, seed): replace(_tested(config), seed=seed)
        for label, config in candidates.items()
        for seed in seeds
    }
    first = candidates[baseline]
    task = task_of(first.data.name)
    results = run_all(runs, workers, f"{first.model.name} on {first.data.name}", console)
    arms = {
        label: _arm(candidates[label], [results[label, seed] for seed in seeds])
        for label in candidates
    }
    others = {
        label: _numbers(arm.values)
        for label, arm in arms.items()
        if label != baseline and not arm.diverged and not arms[baseline].diverged
    }
    comparisons = compare(_numbers(arms[baseline].values), others, task.mode)
    return Block(
        first.model.name,
        first.data.name,
        task.metric,
        task.mode,
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
    candidates: Mapping[str, TrainConfig], grid: Sequence[float], workers: int, console: Console
) -> tuple[dict[str, TrainConfig], dict[str, dict[str, float]]]:
    """Each candidate, the baseline among them, at its best learning rate of the same grid.

    Returns:
        The candidates, and what the validation split said: label -> rate -> metric.
    """
    first = next(iter(candidates.values()))
    task = task_of(first.data.name)
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
    results = run_all(runs, workers, "learning rates", console)
    sign = 1 if task.mode == "max" else -1
    found: dict[str, dict[str, float]] = {label: {} for label in candidates}
    for (label, lr), result in results.items():
        value = result.metrics.get(f"val_{task.metric}", math.nan)
        if result.status == FINISHED and value is not None:
            found[label][f"{lr:g}"] = value
    chosen = {}
    for label, config in candidates.items():
        # One that diverges at every rate shows it in the comparison.
        rates = found[label] or {f"{min(grid):g}": math.nan}
        best = max(rates, key=lambda lr: sign * rates[lr])
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
    if not isinstance(given, list) or not given or not all(isinstance(n, str) for n in given):
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
                # What the command line changed of the data's settings is changed here too.
                configured: TrainConfig = compose([f"data={config.data.name}"])
                changed = {
                    key: getattr(config.data, key)
                    for key in ("batch_size", "validation")
                    if getattr(config.data, key) != getattr(configured.data, key)
                }
                base = replace(base, data=replace(own.data, **changed))
            bases.append(base)
    return bases


def rank_blocks(blocks: Sequence[Block]) -> dict[str, float]:
    """Candidate -> mean rank over blocks; one that diverged ranks last in that block."""
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
