"""Which formula is tried next: regularised evolution, and random search as its control."""

import itertools
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from activation_search.activations.formula.expression import Expression
from activation_search.discovery.gate import inspect
from activation_search.discovery.grammar import Grammar, canonical
from activation_search.seeds import derive

EVOLUTION, RANDOM = "evolution", "random"  # the two arms
CROSSOVER = 0.2  # share of the children that have two parents
MAX_DRAWS = 2000  # for one formula that is new and sound


class Exhausted(Exception):
    """There is no further formula; the message says so in a sentence."""


@dataclass(frozen=True)
class Candidate:
    """A formula to be tried.

    number: in the order of asking, within its arm. parents: numbers of those it was made from.
    origin: ``new``, ``crossover``, or the name of a mutation.
    """

    number: int
    expression: Expression
    parents: tuple[int, ...] = ()
    origin: str = "new"


@dataclass
class Counts:
    """What was drawn for the formulas that were asked for. gated: reason -> how many."""

    drawn: int = 0
    duplicates: int = 0
    gated: Counter[str] = field(default_factory=Counter)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.drawn + other.drawn,
            self.duplicates + other.duplicates,
            self.gated + other.gated,
        )


class Evolution:
    """Regularised evolution (Real et al. 2019, arXiv:1802.01548): of the youngest ``population``
    formulas, the best of a random few has a child.

    Each is drawn from a stream of its own, so that a resumed search goes on as an unbroken one
    whose answers came in the same order. The first ``population`` are drawn at random.

    Args:
        grammar: what formulas are made of.
        seed: of all draws.
        population: how many of the youngest may have children; 0 draws every formula at random.
        tournament: how many of them compete to be a parent.

    Example:
        search = Evolution(Grammar(), seed=0)
        candidate = search.ask()
        search.tell(candidate, loss)
    """

    def __init__(self, grammar: Grammar, seed: int, population: int = 40, tournament: int = 8):
        self.grammar = grammar
        self.seed = seed
        self.population = population
        self.tournament = tournament
        self.counts = Counts()
        self._numbers: set[int] = set()  # of formulas that were asked for
        self._known: set[bytes] = set()
        self._told: list[tuple[bool, float, Candidate]] = []

    @property
    def asked(self) -> int:
        """How many formulas were asked for; those of a killed search are asked for again."""
        return len(self._numbers)

    def resume(self, trials: Iterable[tuple[Candidate, float, bool]]) -> None:
        """Takes over what an earlier search has asked and been told; see :meth:`tell`."""
        for candidate, loss, whole in trials:
            self._numbers.add(candidate.number)
            self._known.add(inspect(candidate.expression).fingerprint)
            self.tell(candidate, loss, whole)

    def ask(self) -> Candidate:
        """A formula that is new and passes the gate.

        Raises:
            Exhausted: none was found, since the pieces allow too few.
        """
        number = next(number for number in itertools.count() if number not in self._numbers)
        self._numbers.add(number)
        draw = Random(derive(self.seed, "formula", number))
        for _ in range(MAX_DRAWS):
            self.counts.drawn += 1
            expression, parents, origin = self._draw(number, draw)
            expression = canonical(expression)
            passport = inspect(expression)
            if passport.reason:
                self.counts.gated[passport.reason] += 1
            elif passport.fingerprint in self._known:
                self.counts.duplicates += 1
            else:
                self._known.add(passport.fingerprint)
                return Candidate(number, expression, parents, origin)
        self._numbers.discard(number)
        raise Exhausted(
            f"After {self.asked} formulas none was found that is new and could be an activation; "
            "more pieces or units allow more."
        )

    def tell(self, candidate: Candidate, loss: float, whole: bool = True) -> None:
        """What came of a formula.

        Args:
            candidate: as it was asked for.
            loss: the smaller the better; infinite for one that diverged.
            whole: whether the training came to its end; one that did not ranks behind all that did.
        """
        self._told.append((not whole, loss, candidate))

    def _draw(self, number: int, draw: Random) -> tuple[Expression, tuple[int, ...], str]:
        if number < self.population or not self._told or not self.population:
            return self.grammar.new(draw), (), "new"
        parent = self._parent(draw)
        if draw.random() < CROSSOVER:
            other = self._parent(draw)
            child = self.grammar.crossed(parent.expression, other.expression, draw)
            return child, (parent.number, other.number), "crossover"
        child, name = self.grammar.changed(parent.expression, draw)
        return child, (parent.number,), name

    def _parent(self, draw: Random) -> Candidate:
        youngest = self._told[-self.population :]
        few = draw.sample(youngest, min(self.tournament, len(youngest)))
        return min(few, key=lambda told: told[:2])[2]
