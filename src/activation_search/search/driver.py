"""The driver of a study: asks it for trials, makes jobs of them, and tells it what came of them."""

import itertools
import math
import statistics
import warnings
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace

import optuna
from optuna.samplers import BaseSampler, PartialFixedSampler
from optuna.trial import FrozenTrial, Trial, TrialState

from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.engine.engine import Results
from activation_search.engine.job import EPOCHS, NEVER, RUNS, Job, Judge, plain_error
from activation_search.errors import MachineError
from activation_search.search.attributes import describe_results, describe_untrained, values_of
from activation_search.search.costs import built, constrain, costs_of, excess, extra_objectives
from activation_search.search.drive import judge_by, write_trials
from activation_search.search.leaderboard import LeaderboardRow, rank
from activation_search.search.pareto import PARAMETERS
from activation_search.search.samplers import build_pruner, build_sampler
from activation_search.search.space import Point, Space, baseline
from activation_search.search.study import (
    CONTROL,
    ERROR,
    KIND,
    NUMBER,
    OVER_LIMIT,
    PLANNED,
    REPETITION,
    REPLICATE,
    SAMPLED,
    fixed_point,
    is_maximised,
)
from activation_search.seeds import derive
from activation_search.training.result import DIVERGED, PRUNED

BEST_TO_REPEAT = 3
MAX_TRACE = 10_000  # characters of an error


@dataclass(frozen=True)
class Asked:
    """A trial that runs. key: of its point."""

    trial: Trial
    key: Hashable
    repetition: int


@dataclass
class _Tried:
    """A point and its trials that did not fail. repetitions: running ones included."""

    point: Point
    repetitions: set[int] = field(default_factory=set)
    values: list[float] = field(default_factory=list)


class Driver:
    """Asks and tells in memory, where it costs least, and writes each trial when it has ended.

    Args:
        stored: the study as it is kept; what it holds is resumed.
        space: what it searches.
        config: how.
        base: the run that trials vary.
    """

    def __init__(self, stored: optuna.Study, space: Space, config: SweepConfig, base: TrainConfig):
        self._stored, self._space, self._config, self._base = stored, space, config, base
        self._limits, self._extra = config.search.limits, extra_objectives(config.search)
        self.study = optuna.create_study(
            study_name=stored.study_name,
            directions=stored.directions,
            pruner=build_pruner(config),
        )
        # Others may have added trials of their own.
        trials = [t for t in stored.get_trials(deepcopy=False) if KIND in t.user_attrs]
        self.study.add_trials(trials)
        self._tried: dict[Hashable, _Tried] = {}
        for trial in trials:
            self._note(trial)
        asked = {trial.user_attrs[NUMBER] for trial in trials}
        self._numbers = (number for number in itertools.count() if number not in asked)
        self._plan = list(_plan(trials, space, config))
        self.left = len(self._plan)
        self.errors: list[str] = []
        self.unwritten: list[FrozenTrial] = []

    def work(self) -> Iterator[tuple[Asked, Job, Judge]]:
        """What is left of the plan, each trial asked for in the moment in which it starts; ends
        early after too many errors."""
        for kind, point in self._plan:
            if len(self.errors) > self._config.max_failures:
                return
            try:
                yield self._ask(kind, point)
            except _NotTrained:
                continue

    def _ask(self, kind: str, point: Point) -> tuple[Asked, Job, Judge]:
        number = next(self._numbers)
        self.study.sampler = self._sampler(number, kind)
        if kind == PLANNED:
            self.study.enqueue_trial(point)
        trial = self.study.ask()
        trial.set_user_attr(KIND, kind)
        trial.set_user_attr(NUMBER, number)
        try:
            drawn, config = self._draw(trial, kind)
            self._check_size(trial, config, kind)
        except _NotTrained:
            raise
        except Exception as error:
            self._fail(trial, error)
            raise _NotTrained from error
        key = _key(kind, drawn)
        tried = self._tried.setdefault(key, _Tried(drawn))
        repetition = next(n for n in itertools.count() if n not in tried.repetitions)
        tried.repetitions.add(repetition)
        trial.set_user_attr(REPETITION, repetition)
        # A control has other seeds than a candidate that is the baseline itself.
        job = self._job(config, number, repetition + (kind == CONTROL), kind)
        return Asked(trial, key, repetition), job, judge_by(trial)

    def _draw(self, trial: Trial, kind: str) -> tuple[Point, TrainConfig]:
        if kind == CONTROL:
            return {}, baseline(self._base)
        drawn = self._space.suggest(trial)
        return drawn, self._space.apply(self._base, drawn)

    def _check_size(self, trial: Trial, config: TrainConfig, kind: str) -> None:
        """Ends a trial whose model has too many parameters; copies of the baseline may."""
        if PARAMETERS not in self._limits or kind == CONTROL:
            return
        network, parameters = built(config)
        constrain(trial, {PARAMETERS: parameters}, self._limits)
        if reason := excess(PARAMETERS, parameters, self._limits):
            found = describe_untrained(config, network, parameters, reason)
            for name, value in found.items():
                trial.set_user_attr(name, value)
            self._end(self.study.tell(trial, state=TrialState.PRUNED))
            raise _NotTrained

    def _sampler(self, number: int, kind: str) -> BaseSampler:
        seed = derive(self._config.seed, "sampler", number) % 2**32
        sampler = build_sampler(self._config.sampler, seed)
        again = self._to_repeat() if kind == REPLICATE else {}
        if not again:
            return sampler
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return PartialFixedSampler(again, sampler)

    def _to_repeat(self) -> Point:
        """The point, among the best few, that has the fewest trials; empty if all failed."""
        tried = [t for t in self._tried.values() if t.point and t.repetitions]
        sign = -1 if is_maximised(self.study) else 1
        judged = [t for t in tried if t.values]
        best = sorted(judged, key=lambda t: sign * statistics.fmean(t.values)) or tried
        chosen = min(best[:BEST_TO_REPEAT], key=lambda t: len(t.repetitions), default=None)
        return chosen.point if chosen else {}

    def _job(self, config: TrainConfig, number: int, repetition: int, kind: str) -> Job:
        count, pruner = self._config.seeds_per_trial, self._config.pruner
        first = config.seed + repetition * count
        judged = EPOCHS if pruner in ("median", "hyperband") else NEVER
        if kind == CONTROL:
            judged = NEVER  # the luck of those that survive would be too small
        elif pruner == "wilcoxon" and repetition == 0:
            judged = RUNS  # trials are paired by seeds, and repetitions share none
        board = replace(config.tensorboard, trial=number)
        runs = (replace(config, seed=first + n, tensorboard=board) for n in range(count))
        return Job(tuple(runs), judged)

    def tell(self, asked: Asked, future: Results) -> None:
        """What came of a trial, into the study; :meth:`keep` writes it.

        Raises:
            MachineError: the machine failed; the trial is not counted.
        """
        error = future.exception()
        if isinstance(error, MachineError):
            raise error
        if error is not None:
            self._tried[asked.key].repetitions.discard(asked.repetition)
            self._fail(asked.trial, error)
            return
        results = future.result()
        for name, value in describe_results(results).items():
            asked.trial.set_user_attr(name, value)
        costs = costs_of(results)
        late = {name: cost for name, cost in costs.items() if name != PARAMETERS}
        constrain(asked.trial, late, self._limits)
        if results[-1].status == PRUNED:
            ended = self.study.tell(asked.trial, state=TrialState.PRUNED)
        elif any(result.status == DIVERGED for result in results):
            ended = self.study.tell(asked.trial, self._worst())
        else:
            mean = statistics.fmean(values_of(results))
            ended = self.study.tell(asked.trial, [mean, *(costs[name] for name in self._extra)])
        if ended.values:
            self._tried[asked.key].values.append(ended.values[0])
        self._end(ended)

    def _worst(self) -> list[float]:
        """In every objective, so that what diverged cheaply is on no front."""
        first = -math.inf if is_maximised(self.study) else math.inf
        return [first, *(math.inf for _ in self._extra)]

    def _fail(self, trial: Trial, error: BaseException) -> None:
        failure = plain_error(error)
        self.errors.append(str(failure))
        trial.set_user_attr("reason", str(failure))
        # A column of some databases holds 64 KB.
        trial.set_user_attr(ERROR, getattr(failure, "trace", "")[-MAX_TRACE:] or str(failure))
        self._end(self.study.tell(trial, state=TrialState.FAIL))

    def _end(self, trial: FrozenTrial) -> None:
        self.left -= 1
        self.unwritten.append(trial)

    def keep(self) -> None:
        """Writes the trials that have ended since; apart from :meth:`tell`, so that a worker has
        its next job before the disk is waited for."""
        write_trials(self._stored, self.unwritten)

    def rows(self) -> list[LeaderboardRow]:
        """The leaderboard so far."""
        return rank(self.study, self._limits)

    def _note(self, trial: FrozenTrial) -> None:
        """Counts a trial of an earlier command."""
        if trial.state is TrialState.FAIL or trial.user_attrs["status"] == OVER_LIMIT:
            return
        point = fixed_point(trial)
        tried = self._tried.setdefault(_key(trial.user_attrs[KIND], point), _Tried(point))
        tried.repetitions.add(trial.user_attrs[REPETITION])
        if trial.values:
            tried.values.append(trial.values[0])


class _NotTrained(Exception):
    """A trial ended before it had a job: it failed, or is too large."""


def _plan(
    trials: list[FrozenTrial], space: Space, config: SweepConfig
) -> Iterator[tuple[str, Point]]:
    """What is missing to the total: the kind of each trial and, where it is planned, its point."""
    controls = sum(trial.user_attrs[KIND] == CONTROL for trial in trials)
    missing = config.trials - (len(trials) - controls)
    exhaustive = config.sampler == "grid" or (
        config.sampler == "auto" and space.size <= config.trials
    )
    new = iter(()) if config.sampler == "random" else _untried(trials, space, exhaustive)
    for _ in range(missing):
        point = next(new, None)
        if point is not None:
            yield PLANNED, point
        else:
            yield (REPLICATE if exhaustive else SAMPLED), {}
    for _ in range(config.search.controls - controls):
        yield CONTROL, {}


def _untried(trials: list[FrozenTrial], space: Space, exhaustive: bool) -> Iterator[Point]:
    known = [fixed_point(trial) for trial in trials]
    if exhaustive:
        tried = {_key(PLANNED, point) for point in known}
        yield from (point for point in space.points() if _key(PLANNED, point) not in tried)
    else:
        # A trial's point also holds what was drawn beside what was planned.
        starts = space.starts()
        yield from (p for p in starts if not any(p.items() <= point.items() for point in known))


def _key(kind: str, point: Point) -> Hashable:
    return kind if kind == CONTROL else tuple(sorted(point.items()))
