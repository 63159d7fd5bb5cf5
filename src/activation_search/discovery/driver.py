"""The driver of a search for formulas: asks an arm, makes a job of it, and tells it the loss."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import optuna
from optuna.pruners import BasePruner, NopPruner, SuccessiveHalvingPruner
from optuna.trial import FrozenTrial, Trial, TrialState

from activation_search.activations import Activation
from activation_search.activations.formula.expression import Expression
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.config.discover import DiscoverConfig
from activation_search.config.run import TrainConfig
from activation_search.discovery.evolution import (
    EVOLUTION,
    RANDOM,
    Candidate,
    Evolution,
    Exhausted,
)
from activation_search.discovery.grammar import Grammar
from activation_search.engine.engine import Results
from activation_search.engine.job import EPOCHS, NEVER, Job, Judge, plain_error
from activation_search.errors import MachineError
from activation_search.search.attributes import describe_results
from activation_search.search.drive import judge_by, write_trials
from activation_search.training.result import DIVERGED, PRUNED

LOSS = "val_loss"  # a better fitness than accuracy, which hangs on few samples
HALVING = 3  # of how many trainings one goes on
# User attributes of a trial, beside those of `describe_results`.
ARM, REPETITION, NUMBER, FORMULA = "arm", "repetition", "number", "formula"
PARENTS, ORIGIN = "parents", "origin"


class Arm(NamedTuple):
    """Evolution or random search, in one of the repetitions."""

    name: str
    repetition: int


def formula_run(base: TrainConfig, expression: Expression) -> TrainConfig:
    """The run with a formula in place of the activation for the whole model."""
    return with_activation(base, Activation.parse({"name": "formula", "expr": to_text(expression)}))


def with_activation(base: TrainConfig, activation: Activation) -> TrainConfig:
    """The run with another activation for the whole model; single sites keep theirs."""
    return replace(base, activation=base.activation.with_whole(activation))


@dataclass(frozen=True)
class Asked:
    """A formula that is being trained."""

    trial: Trial
    arm: Arm
    candidate: Candidate


class Driver:
    """Asks and tells in memory; writes each trial when it has ended, as a study's driver does.

    Args:
        stored: the study as it is kept; what it holds is resumed.
        config: of the search.
        base: the run in which formulas are tried.
        grammar: what they are made of.
        epochs: of a whole training.
    """

    def __init__(
        self,
        stored: optuna.Study,
        config: DiscoverConfig,
        base: TrainConfig,
        grammar: Grammar,
        epochs: int,
    ):
        self._stored, self._config, self._base = stored, config, base
        self._third = epochs // HALVING
        self.halves = config.halving and self._third > 0
        # Others may have added trials of their own.
        self.trials = [t for t in stored.get_trials(deepcopy=False) if ARM in t.user_attrs]
        self.arms: dict[Arm, Evolution] = {}
        for repetition in range(config.repetitions):
            seed = config.seed + 2 * repetition
            self.arms[Arm(EVOLUTION, repetition)] = Evolution(
                grammar, seed, config.population, config.tournament
            )
            if config.control:
                self.arms[Arm(RANDOM, repetition)] = Evolution(grammar, seed + 1, population=0)
        # One for each arm, so that none is judged by another's losses.
        self._studies = {arm: self._study() for arm in self.arms}
        for arm, search in self.arms.items():
            own = [trial for trial in self.trials if arm_of(trial) == arm]
            self._studies[arm].add_trials(own)
            search.resume((_candidate(trial), *_told(trial)) for trial in own)
        self._exhausted: dict[Arm, str] = {}
        self.errors: list[str] = []
        self.unwritten: list[FrozenTrial] = []

    def _study(self) -> optuna.Study:
        pruner: BasePruner = NopPruner()
        if self.halves:
            pruner = SuccessiveHalvingPruner(min_resource=self._third, reduction_factor=HALVING)
        return optuna.create_study(direction="minimize", pruner=pruner)

    @property
    def left(self) -> int:
        """Formulas that are still to be tried."""
        missing = (self._config.formulas - self.arms[arm].asked for arm in self._going())
        return sum(max(0, count) for count in missing)

    @property
    def notes(self) -> list[str]:
        """Of arms that ended before their budget, why."""
        return [f"{arm.name}: {reason}" for arm, reason in self._exhausted.items()]

    def _going(self) -> list[Arm]:
        return [arm for arm in self.arms if arm not in self._exhausted]

    def work(self) -> Iterator[tuple[Asked, Job, Judge]]:
        """What is left of the budget, the arms in turn, each formula drawn in the moment in which
        it starts; ends early after too many errors."""
        while len(self.errors) <= self._config.max_failures:
            due = [arm for arm in self._going() if self.arms[arm].asked < self._config.formulas]
            if not due:
                return
            arm = min(due, key=lambda arm: self.arms[arm].asked)
            try:
                candidate = self.arms[arm].ask()
            except Exhausted as error:
                self._exhausted[arm] = str(error)
                continue
            yield self._job(arm, candidate)

    def _job(self, arm: Arm, candidate: Candidate) -> tuple[Asked, Job, Judge]:
        trial = self._studies[arm].ask()
        for key, value in _described(arm, candidate).items():
            trial.set_user_attr(key, value)
        judged = EPOCHS if self.halves else NEVER
        job = Job((formula_run(self._base, candidate.expression),), judged, LOSS)
        # Later than at a third a stop would save little.
        return Asked(trial, arm, candidate), job, judge_by(trial, last_step=self._third)

    def tell(self, asked: Asked, future: Results) -> None:
        """What came of a formula, to its arm and into the study; :meth:`keep` writes it.

        Raises:
            MachineError: the machine failed; the formula is not counted.
        """
        study = self._studies[asked.arm]
        error = future.exception()
        if isinstance(error, MachineError):
            raise error
        if error is not None:
            failure = plain_error(error)
            self.errors.append(f"{to_text(asked.candidate.expression)}: {failure}")
            asked.trial.set_user_attr("reason", str(failure))
            ended = study.tell(asked.trial, state=TrialState.FAIL)
        else:
            [result] = future.result()
            for key, value in describe_results([result]).items():
                asked.trial.set_user_attr(key, value)
            if result.status == PRUNED:
                ended = study.tell(asked.trial, state=TrialState.PRUNED)
            else:
                diverged = result.status == DIVERGED
                loss = math.inf if diverged else result.metrics.get(LOSS, math.inf)
                ended = study.tell(asked.trial, loss)
        self.arms[asked.arm].tell(asked.candidate, *_told(ended))
        self.trials.append(ended)
        self.unwritten.append(ended)

    def keep(self) -> None:
        """Writes the trials that have ended since."""
        write_trials(self._stored, self.unwritten)


def arm_of(trial: FrozenTrial) -> Arm:
    """The arm that asked for a trial."""
    return Arm(trial.user_attrs[ARM], trial.user_attrs[REPETITION])


def _described(arm: Arm, candidate: Candidate) -> dict[str, Any]:
    return {
        ARM: arm.name,
        REPETITION: arm.repetition,
        NUMBER: candidate.number,
        FORMULA: to_text(candidate.expression),
        PARENTS: list(candidate.parents),
        ORIGIN: candidate.origin,
    }


def _candidate(trial: FrozenTrial) -> Candidate:
    attrs = trial.user_attrs
    return Candidate(attrs[NUMBER], parse(attrs[FORMULA]), tuple(attrs[PARENTS]), attrs[ORIGIN])


def _told(trial: FrozenTrial) -> tuple[float, bool]:
    """The last loss, infinite where there is none, and whether the training came to its end with
    one; those that failed or diverged are behind those that were stopped."""
    loss = trial.value if trial.value is not None else math.inf
    return loss, trial.state is TrialState.COMPLETE and math.isfinite(loss)
