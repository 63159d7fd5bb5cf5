"""The driver of a search for formulas: asks an arm, makes a job of it, and tells it the loss."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import optuna
from optuna.pruners import NopPruner, SuccessiveHalvingPruner
from optuna.trial import FrozenTrial, Trial, TrialState

from activation_search.activations import Activation
from activation_search.activations.formula.expression import Expression
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.config.discover import DiscoverConfig
from activation_search.config.run import TrainConfig
from activation_search.discovery.evolution import Candidate, Evolution
from activation_search.discovery.grammar import PIECES, Grammar
from activation_search.engine.engine import Results
from activation_search.engine.job import EPOCHS, NEVER, Job, Judge, plain_error
from activation_search.engine.processes import defer_signals
from activation_search.errors import MachineError, UserError
from activation_search.search.attributes import describe_results
from activation_search.training.result import DIVERGED, PRUNED

LOSS = "val_loss"  # a better fitness than accuracy, which hangs on few samples
EVOLUTION, RANDOM = "evolution", "random"
HALVING = 3  # of how many trainings one goes on
# User attributes of a trial, beside those of `describe_results`.
ARM, NUMBER, FORMULA, PARENTS, ORIGIN = "arm", "number", "formula", "parents", "origin"


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
    arm: str
    candidate: Candidate


class Driver:
    """Asks and tells in memory; writes each trial when it has ended, as a study's driver does.

    Args:
        stored: the study as it is kept; what it holds is resumed.
        config: of the search.
        base: the run in which formulas are tried.

    Raises:
        UserError: ``pieces`` names one that there is not.
    """

    def __init__(self, stored: optuna.Study, config: DiscoverConfig, base: TrainConfig):
        self._stored, self._config, self._base = stored, config, base
        self._third = max(1, base.trainer.max_epochs // HALVING)
        halving = SuccessiveHalvingPruner(min_resource=self._third, reduction_factor=HALVING)
        self.study = optuna.create_study(
            direction="minimize", pruner=halving if config.halving else NopPruner()
        )
        trials = stored.get_trials(deepcopy=False)
        self.study.add_trials(trials)
        grammar = Grammar(_pieces(config), config.units)
        evolution = Evolution(grammar, config.seed, config.population, config.tournament)
        self.arms = {EVOLUTION: evolution}
        if config.control:
            self.arms[RANDOM] = Evolution(grammar, config.seed + 1, population=0)
        for name, arm in self.arms.items():
            own = [trial for trial in trials if trial.user_attrs[ARM] == name]
            arm.resume((_candidate(trial), _loss(trial)) for trial in own)
        self.left = len(self.arms) * config.formulas - len(trials)
        self.errors: list[str] = []
        self.unwritten: list[FrozenTrial] = []

    def work(self) -> Iterator[tuple[Asked, Job, Judge]]:
        """What is left of the budget, the arms in turn, each formula drawn in the moment in which
        it starts; ends early after too many errors."""
        while len(self.errors) <= self._config.max_failures:
            due = [name for name, arm in self.arms.items() if arm.asked < self._config.formulas]
            if not due:
                return
            name = min(due, key=lambda name: self.arms[name].asked)
            yield self._ask(name)

    def _ask(self, name: str) -> tuple[Asked, Job, Judge]:
        candidate = self.arms[name].ask()
        trial = self.study.ask()
        for key, value in _described(name, candidate).items():
            trial.set_user_attr(key, value)
        last = -1

        def judge(step: int, value: float) -> bool:
            nonlocal last
            if step <= last:  # a repetition, after its worker was killed
                return False
            last = step
            trial.report(value, step)
            # Later it would save little.
            return step <= self._third and trial.should_prune()

        judged = EPOCHS if self._config.halving else NEVER
        job = Job((formula_run(self._base, candidate.expression),), judged, LOSS)
        return Asked(trial, name, candidate), job, judge

    def tell(self, asked: Asked, future: Results) -> None:
        """What came of a formula, to its arm and into the study; :meth:`keep` writes it.

        Raises:
            MachineError: the machine failed; the formula is not counted.
        """
        error = future.exception()
        if isinstance(error, MachineError):
            raise error
        if error is not None:
            failure = plain_error(error)
            self.errors.append(f"{to_text(asked.candidate.expression)}: {failure}")
            asked.trial.set_user_attr("reason", str(failure))
            ended = self.study.tell(asked.trial, state=TrialState.FAIL)
        else:
            [result] = future.result()
            for key, value in describe_results([result]).items():
                asked.trial.set_user_attr(key, value)
            if result.status == PRUNED:
                ended = self.study.tell(asked.trial, state=TrialState.PRUNED)
            else:
                diverged = result.status == DIVERGED
                loss = math.inf if diverged else result.metrics.get(LOSS, math.inf)
                ended = self.study.tell(asked.trial, loss)
        self.arms[asked.arm].tell(asked.candidate, _loss(ended))
        self.left -= 1
        self.unwritten.append(ended)

    def keep(self) -> None:
        """Writes the trials that have ended since."""
        while self.unwritten:
            with defer_signals():  # a journal's lock outlives a process that ends in the middle
                self._stored.add_trial(self.unwritten[0])
                del self.unwritten[0]


def _pieces(config: DiscoverConfig) -> tuple[str, ...]:
    if config.pieces == "all":
        return PIECES
    if not isinstance(config.pieces, list) or not config.pieces:
        raise UserError(f"pieces must be all or a list of operators, not {config.pieces!r}.")
    return tuple(str(piece) for piece in config.pieces)


def _described(arm: str, candidate: Candidate) -> dict[str, Any]:
    return {
        ARM: arm,
        NUMBER: candidate.number,
        FORMULA: to_text(candidate.expression),
        PARENTS: list(candidate.parents),
        ORIGIN: candidate.origin,
    }


def _candidate(trial: FrozenTrial) -> Candidate:
    attrs = trial.user_attrs
    return Candidate(attrs[NUMBER], parse(attrs[FORMULA]), tuple(attrs[PARENTS]), attrs[ORIGIN])


def _loss(trial: FrozenTrial) -> float:
    """The loss at the end, or where the training was stopped; infinite where there is none."""
    if trial.state is TrialState.PRUNED:
        return min(trial.intermediate_values.values(), default=math.inf)
    return trial.value if trial.value is not None else math.inf
