"""Formulas at random."""

from random import Random

import pytest

from activation_search.activations.formula.expression import Apply, X, length, parts
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.discovery.grammar import Grammar, canonical, exchanged
from activation_search.errors import UserError


@pytest.mark.parametrize(
    ("text", "index", "new", "expected"),
    [
        ("x", 0, "tanh(x)", "tanh(x)"),
        ("x * sigmoid(x)", 0, "x", "x"),
        ("x * sigmoid(x)", 1, "sin(x)", "sin(x) * sigmoid(x)"),
        ("x * sigmoid(x)", 2, "x", "x * x"),
        ("x * sigmoid(x)", 3, "2 * x", "x * sigmoid(2 * x)"),
        ("(x + 1) * (x - 2)", 6, "x", "(x + 1) * (x - x)"),
    ],
)
def test_exchanging_a_part(text: str, index: int, new: str, expected: str) -> None:
    assert to_text(exchanged(parse(text), index, parse(new))) == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("sigmoid(x) * x", "x * sigmoid(x)"),
        ("x + 2", "2 + x"),
        ("x * c2 + c1", "a + b * x"),
        ("c1 * c1 * x", "x * (a * a)"),
        ("--x", "x"),
        ("abs(-abs(x))", "abs(x)"),
        ("max(x, x)", "x"),
        ("1 * x", "x"),
        ("x + 0", "x"),
        ("x * (sqrt(4) + 1)", "3 * x"),
        ("x - sin(x)", "x - sin(x)"),
    ],
)
def test_one_form(text: str, form: str) -> None:
    assert to_text(canonical(parse(text))) == form


@pytest.mark.parametrize("seed", range(40))
def test_formulas_are_made_of_the_pieces_alone(seed: int) -> None:
    pieces = ("+", "*", "max", "sin", "**2", "constant")
    grammar, draw = Grammar(pieces, units=3), Random(seed)
    one, other = grammar.new(draw), grammar.new(draw)
    for _ in range(5):
        changed, name = grammar.changed(one, draw)
        assert name in ("insert", "remove", "change", "regenerate")
        one = grammar.crossed(changed, other, draw)
        used = {part.operator for part in parts(one) if isinstance(part, Apply)}
        assert used <= set(pieces)
        if X in parts(one) and length(one) < 60:  # what the parser takes
            assert parse(to_text(one)) == one


def test_removing_makes_it_shorter() -> None:
    grammar = Grammar()
    parent = parse("x * sigmoid(sin(x))")
    children = [grammar.changed(parent, Random(seed)) for seed in range(60)]
    removed = [child for child, name in children if name == "remove"]
    assert removed
    assert all(length(child) < length(parent) for child in removed)


def test_unary_pieces_alone() -> None:
    grammar = Grammar(["sin", "tanh"], units=3)
    expression = grammar.new(Random(0))
    assert X in parts(expression)
    assert {p.operator for p in parts(expression) if isinstance(p, Apply)} <= {"sin", "tanh"}


def test_a_piece_that_there_is_not() -> None:
    with pytest.raises(UserError, match="Unknown piece of a formula 'sine', did you mean 'sin'"):
        Grammar(["+", "sine"])
