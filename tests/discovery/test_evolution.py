"""Which formula is tried next."""

import math

import pytest
from optuna.trial import TrialState, create_trial

from activation_search.activations.formula.expression import length
from activation_search.activations.formula.writing import to_text
from activation_search.discovery.driver import _told
from activation_search.discovery.evolution import Candidate, Evolution, Exhausted
from activation_search.discovery.gate import inspect
from activation_search.discovery.grammar import Grammar


def loss(candidate: Candidate) -> float:
    return abs(length(candidate.expression) - 6)


def run(search: Evolution, count: int) -> list[Candidate]:
    asked = []
    for _ in range(count):
        asked.append(search.ask())
        search.tell(asked[-1], loss(asked[-1]))
    return asked


def test_no_two_formulas_are_the_same_and_all_pass_the_gate() -> None:
    asked = run(Evolution(Grammar(), seed=1, population=10), 40)
    passports = [inspect(candidate.expression) for candidate in asked]
    assert len({passport.fingerprint for passport in passports}) == 40
    assert {passport.reason for passport in passports} == {""}
    assert [candidate.number for candidate in asked] == list(range(40))


def test_the_first_are_drawn_and_the_others_have_parents() -> None:
    asked = run(Evolution(Grammar(), seed=2, population=8, tournament=3), 40)
    assert all(candidate.parents == () for candidate in asked[:8])
    for candidate in asked[8:]:
        count = 2 if candidate.origin == "crossover" else 1
        assert len(candidate.parents) == count
        # Of the youngest eight, all older than the child.
        assert all(candidate.number - 8 <= p < candidate.number for p in candidate.parents)


def test_parents_are_the_best_of_the_tournament() -> None:
    search = Evolution(Grammar(), seed=3, population=5, tournament=5)
    for loss in (0.5, 0.2, 0.9, 0.4, 0.3):
        search.tell(search.ask(), loss)
    assert set(search.ask().parents) == {1}


def test_one_that_was_stopped_ranks_behind_all_that_ended() -> None:
    search = Evolution(Grammar(), seed=3, population=3, tournament=3)
    for loss, whole in ((0.5, True), (0.1, False), (0.4, True)):
        search.tell(search.ask(), loss, whole)
    assert set(search.ask().parents) == {2}


def test_one_that_diverged_ranks_behind_one_that_was_stopped() -> None:
    trials = [
        create_trial(state=state, value=value, user_attrs={})
        for state, value in ((TrialState.FAIL, None), (TrialState.COMPLETE, math.inf),
                             (TrialState.PRUNED, 0.3))
    ]  # fmt: skip
    search = Evolution(Grammar(), seed=3, population=3, tournament=3)
    for trial in trials:
        search.tell(search.ask(), *_told(trial))
    assert set(search.ask().parents) == {2}


def test_without_a_population_all_are_drawn() -> None:
    assert {c.origin for c in run(Evolution(Grammar(), seed=4, population=0), 20)} == {"new"}


def test_a_resumed_search_goes_on_as_an_unbroken_one() -> None:
    unbroken = run(Evolution(Grammar(), seed=5, population=6), 20)
    resumed = Evolution(Grammar(), seed=5, population=6)
    resumed.resume((candidate, loss(candidate), True) for candidate in unbroken[:11])
    assert resumed.asked == 11
    assert run(resumed, 9) == unbroken[11:]


def test_a_formula_that_was_lost_is_asked_for_again() -> None:
    asked = run(Evolution(Grammar(), seed=6, population=20), 10)
    resumed = Evolution(Grammar(), seed=6, population=20)
    resumed.resume((c, loss(c), True) for c in asked if c.number != 7)
    assert resumed.ask() == asked[7]
    assert resumed.ask().number == 10


def test_too_few_pieces() -> None:
    search = Evolution(Grammar(["sin"], units=1), seed=0, population=0)
    with pytest.raises(Exhausted, match="After 1 formulas none was found"):
        run(search, 5)
    assert search.asked == 1


def test_it_counts_what_it_left_out() -> None:
    search = Evolution(Grammar(), seed=7, population=0)
    asked = run(search, 30)
    counts = search.counts
    assert counts.drawn == len(asked) + counts.duplicates + sum(counts.gated.values())
    assert [to_text(c.expression) for c in asked]
