"""A worker: takes trials from the study's queue, runs each, and tells the study.

One process that lives for the whole study, since importing torch and Lightning takes seconds.
"""

import gc
import itertools
import math
import multiprocessing
import os
import signal
import statistics
import threading
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from multiprocessing.synchronize import Event
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import PartialFixedSampler
from optuna.storages import BaseStorage
from optuna.study import Study
from optuna.trial import FrozenTrial, Trial, TrialState

from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.engine.processes import defer_signals, identify
from activation_search.errors import MachineError, machine_error
from activation_search.models.factory import sites_on
from activation_search.search.parse_space import build_space
from activation_search.search.samplers import build_pruner, build_sampler
from activation_search.search.space import Point, Space, baseline
from activation_search.search.study import (
    CONTROL,
    ERROR,
    KIND,
    REPLICATE,
    SEEN_EVERY_SECONDS,
    WORKER,
    claim,
    exclusively,
    fixed_point,
    open_storage,
)
from activation_search.seeds import derive
from activation_search.training.result import DIVERGED, FINISHED, PRUNED, RunResult
from activation_search.training.run import RunInterrupted, train
from activation_search.training.task import task_of

RESULT = "result"  # user attribute of a finished trial
REPLICA = "replica"  # which repetition of its point it is
BEST_TO_REPEAT = 3


@dataclass(frozen=True)
class WorkerTask:
    """What a worker needs to know; plain, so that it travels to a new process.

    config: the study's. base: the run that trials vary. url, name: of the storage and the study.
    gpu: the device for this worker alone, as CUDA_VISIBLE_DEVICES names it; ``None`` for the CPU
        or a shared one.
    """

    config: SweepConfig
    base: TrainConfig
    url: str
    name: str
    gpu: str | None = None


def main(assignment: WorkerTask, stop: Event, failures: Any) -> None:
    """Works until ``stop`` is set, the process that started it is gone, or the machine fails.

    Args:
        assignment: the work.
        stop: ends it after the trial that runs.
        failures: a queue that takes the reason where the machine failed, such as a full disk.
    """
    try:
        _work(assignment, stop)
    except RunInterrupted:
        return  # told to end at once; the trial goes back to the queue
    except (MachineError, OSError) as error:
        failure = machine_error(error) if isinstance(error, OSError) else error
        if failure is None:
            raise
        failures.put(str(failure))


def _work(assignment: WorkerTask, stop: Event) -> None:
    # The terminal sends Ctrl-C to every process; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if assignment.gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = assignment.gpu
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    parent = multiprocessing.parent_process()
    storage = open_storage(assignment.url)
    study = optuna.load_study(study_name=assignment.name, storage=storage)
    study.pruner = build_pruner(assignment.config)
    study_id = storage.get_study_id_from_name(assignment.name)
    sites = sites_on(assignment.base.model, assignment.base.data)
    space = build_space(assignment.config.search, assignment.base, sites)
    gc.freeze()  # what was imported is never garbage, and need not be looked through
    while not stop.is_set() and (parent is None or parent.is_alive()):
        trial_id = claim(study, storage, study_id)
        if trial_id is None:
            time.sleep(0.1)
            continue
        with _seen(storage, trial_id):
            _run(study, trial_id, space, assignment)
        # A finished run is a ring of objects, which Python looks for ever more seldom.
        gc.collect()


@contextmanager
def _seen(storage: BaseStorage, trial_id: int) -> Iterator[None]:
    """Shows now and then that the trial's worker lives; other machines cannot see it otherwise."""
    done = threading.Event()

    def show() -> None:
        for number in itertools.count(1):
            if done.wait(SEEN_EVERY_SECONDS):
                return
            with suppress(UpdateFinishedTrialError):  # it ended a moment ago
                storage.set_trial_user_attr(trial_id, WORKER, identify() | {"seen": number})

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _sampler(study: Study, frozen: FrozenTrial, config: SweepConfig) -> optuna.samplers.BaseSampler:
    seed = derive(config.seed, "sampler", frozen.number) % 2**32
    sampler = build_sampler(config.sampler, seed)
    if frozen.user_attrs.get(KIND) == REPLICATE and not fixed_point(frozen):
        point = _to_repeat(study)
        if not point:  # all of them failed
            return sampler
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return PartialFixedSampler(point, sampler)
    return sampler


def _to_repeat(study: Study) -> Point:
    """The point, among the best few, that has the fewest seeds so far; empty if there is none."""
    values: dict[tuple, list[float]] = {}
    points: dict[tuple, Point] = {}
    running: dict[tuple, int] = {}
    for trial in study.get_trials(deepcopy=False):
        point = fixed_point(trial)
        key = tuple(sorted(point.items()))
        if not point or trial.state is TrialState.FAIL:
            continue
        points[key] = point
        running[key] = running.get(key, 0) + 1
        if trial.value is not None:
            values.setdefault(key, []).append(trial.value)
    sign = -1 if _maximised(study) else 1
    ranked = sorted(values or points, key=lambda key: sign * statistics.fmean(values.get(key, [0])))
    return points[min(ranked[:BEST_TO_REPEAT], key=lambda key: running[key])] if points else {}


def _maximised(study: Study) -> bool:
    return study.direction is optuna.study.StudyDirection.MAXIMIZE


def _run(study: Study, trial_id: int, space: Space, assignment: WorkerTask) -> None:
    """One trial, whatever happens in it: its outcome is told to the study."""
    frozen = study._storage.get_trial(trial_id)
    study.sampler = _sampler(study, frozen, assignment.config)
    trial = Trial(study, trial_id)
    try:
        config, replica = _draw(study, trial, frozen.user_attrs[KIND], space, assignment)
        results = _train_all(trial, config, replica, assignment)
    except Exception as error:  # a trial that fails must not end the study
        # A full disk is no fault of the trial: it goes back to the queue, and the study ends.
        if isinstance(error, MachineError) or (isinstance(error, OSError) and machine_error(error)):
            raise
        with defer_signals():
            trial.set_user_attr(ERROR, "".join(traceback.format_exception(error)))
            study.tell(trial, state=TrialState.FAIL)
        return
    with defer_signals():
        _tell(study, trial, results)


def _draw(
    study: Study, trial: Trial, kind: str, space: Space, assignment: WorkerTask
) -> tuple[TrainConfig, int]:
    """The configuration of a trial, and which repetition of its point it is."""
    if kind == CONTROL:
        point: Point = {}
        config = baseline(assignment.base)
    else:
        with defer_signals():
            point = space.suggest(trial)
        config = space.apply(assignment.base, point)
    with exclusively(study._storage, study.study_name):
        replica = _repetition_index(study, trial, kind, point)
    if kind == CONTROL:
        replica += 1  # other seeds than a candidate that is the baseline itself
    return config, replica


def _tell(study: Study, trial: Trial, results: list[RunResult]) -> None:
    """What came out of a trial, into the study."""
    metric = f"val_{results[0].metric}"
    values = [r.metrics.get(metric, math.nan) for r in results]
    last = results[-1]
    trial.set_user_attr(
        RESULT,
        {
            "status": last.status,
            "reason": last.reason,
            "values": values,
            "seeds": [r.seed for r in results],
            "directories": [r.directory for r in results],
            "assignment": last.assignment,
            "parameters": last.parameters,
            "seconds": sum(r.seconds for r in results),
            "step_seconds": last.training_seconds / max(last.steps, 1),
            "alarms": sorted({alarm["kind"] for r in results for alarm in r.alarms}),
            "config": results[0].config,
        },
    )
    if last.status == PRUNED:
        study.tell(trial, state=TrialState.PRUNED)
    elif any(r.status == DIVERGED for r in results):
        study.tell(trial, -math.inf if _maximised(study) else math.inf)
    else:
        study.tell(trial, statistics.fmean(values))


def _train_all(
    trial: Trial, config: TrainConfig, replica: int, assignment: WorkerTask
) -> list[RunResult]:
    """The trial's runs, one per seed; ends early where one diverges or is pruned."""
    seeds_per_trial = assignment.config.seeds_per_trial
    pruner = assignment.config.pruner
    metric = f"val_{task_of(config.data).metric}"
    results: list[RunResult] = []

    def on_epoch(row: dict[str, Any]) -> bool:
        # Later seeds of a trial are not compared epoch by epoch with the first of others.
        if pruner not in ("median", "hyperband") or results:
            return False
        trial.report(row[metric], step=row["epoch"] + 1)
        return trial.should_prune()

    first = config.seed + replica * seeds_per_trial
    for seed in range(first, first + seeds_per_trial):
        result = train(replace(config, seed=seed), on_epoch=on_epoch)
        results.append(result)
        if result.status != FINISHED:
            break
        if pruner == "wilcoxon" and replica == 0:
            # One step per seed: the pruner pairs trials by it, and repetitions share none.
            trial.report(result.metrics[f"val_{result.metric}"], step=seed)
            if trial.should_prune() and seed < first + seeds_per_trial - 1:
                result.status = PRUNED
                break
    return results


def _repetition_index(study: Study, trial: Trial, kind: str, point: Point) -> int:
    """Which repetition of its point a trial is, so that each takes further seeds.

    The smallest number that no other trial of this point has taken; a failed trial's number is
    free again. Call it under the lock.
    """
    taken = set()
    for other in study.get_trials(deepcopy=False):
        same = (
            other.user_attrs.get(KIND) == kind if kind == CONTROL else fixed_point(other) == point
        )
        if not same or other.number == trial.number or other.state is TrialState.FAIL:
            continue
        if REPLICA in other.user_attrs:
            taken.add(other.user_attrs[REPLICA])
    replica = next(n for n in itertools.count() if n not in taken)
    trial.set_user_attr(REPLICA, replica)
    return replica
