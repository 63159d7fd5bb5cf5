"""From text to an expression."""

import random
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from activation_search.activations import Activation
from activation_search.activations.formula.expression import Apply, Number, Symbol, X, constants
from activation_search.activations.formula.operators import FUNCTIONS
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.errors import UserError


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("x", X),
        ("  x ", X),
        ("-x", Apply("neg", (X,))),
        ("+x", X),
        ("x * -2", Apply("*", (X, Number(-2.0)))),
        ("-x**2", Apply("neg", (Apply("**2", (X,)),))),
        ("x + 1 * 3", Apply("+", (X, Apply("*", (Number(1.0), Number(3.0)))))),
        ("x - 1 - 2", Apply("-", (Apply("-", (X, Number(1.0))), Number(2.0)))),
        ("max(x, .5)", Apply("max", (X, Number(0.5)))),
        ("beta_1 * tanh(x)", Apply("*", (Symbol("beta_1"), Apply("tanh", (X,))))),
        ("pi * x", Apply("*", (Number(3.141592653589793), X))),
        ("1e-3 * x", Apply("*", (Number(0.001), X))),
    ],
)
def test_expressions(text: str, expression: object) -> None:
    assert parse(text) == expression


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "text in x"),
        ("beta * 2", "has no x"),
        ("x +", "column 1: this cannot be read"),
        ("  x y", "column 5: this cannot be read"),
        ("x * sigmod(x)", "column 5: Unknown function 'sigmod', did you mean 'sigmoid'"),
        ("2 * x^2", r"column 1: a power is written \*\*"),
        ("x**9", "column 4: a power is a whole number from 2 to 8"),
        ("x**0.5", "sqrt"),
        ("x**-1", "1 / x"),
        ("x**x", "column 4: a power"),
        ("x**2**3**4", "column 7: a power"),
        ("9**9999999 + x", "column 4: numbers go up to"),
        ("x // 2", "the signs are"),
        ("x % 2", "the signs are"),
        ("x @ x", "the signs are"),
        ("x > 0", "only numbers"),
        ("x if x else 0", "only numbers"),
        ("x and x", "only numbers"),
        ("not x", "only numbers"),
        ("[x]", "only numbers"),
        ("x[0]", "only numbers"),
        ("x.grad", "only numbers"),
        ("(y := x)", "only numbers"),
        ("lambda: x", "only numbers"),
        ("f'{x}'", "only numbers"),
        ("tanh(*x)", "only numbers"),
        ("tanh(x, input=x)", "only numbers"),
        ("torch.tanh(x)", "only numbers"),
        ("__import__('os').system('true')", "only numbers"),
        ("open(x)", "column 1: Unknown function 'open'"),
        ("x * 'a'", "column 5: 'a' is no number"),
        ("x * True", "column 5: True is no number"),
        ("x * 1j", "is no number"),
        ("x * 1e7", "column 5: numbers go up to 1e"),
        ("x * 1e999", "numbers go up to"),
        ("tanh(x, x)", "column 1: tanh takes 1 argument, not 2"),
        ("max(x)", "max takes 2 arguments, not 1"),
        ("tanh * x", r"column 1: tanh is a function; write tanh\(x\)"),
        ("X * 2", "the input is written x"),
        ("x # comment", "column 3: '#' is no sign"),
        ("x * type", "column 5: 'type' cannot name a constant"),
        ("x * self", "column 5: 'self' cannot name a constant"),
        ("e + " * 40 + "x", "25 deep"),
        ("x * sharing", "column 5: 'sharing' cannot name a constant"),
        ("x * _b", "cannot name a constant"),
        ("x * \u03b2", "column 5: '\u03b2' is no sign of a formula; write Greek as beta"),
        ("x\n+ 1", "column 2"),
        ("x" + " + x" * 100, "nested deeper than 25"),
        ("x + x" + " + tanh(x * x - x)" * 20, "has at most 100 signs"),
        ("sin(" * 40 + "x" + ")" * 40, "25 deep"),
        ("-" * 400 + "x", "nested deeper than 25"),
        ("(" * 240 + "x" + ")" * 240, "cannot be read|has at most"),
        ("x" * 501, "at most 500 characters, not 501"),
    ],
)
def test_mistakes(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse(text)


def test_names_of_torchs_containers_are_refused() -> None:
    for name in dir(nn.ParameterDict()):
        if not name.startswith("_") and len(name) <= 20:
            with pytest.raises(UserError, match="cannot name a constant"):
                parse(f"x * {name}")


def test_constants_in_the_order_of_their_appearance() -> None:
    assert constants(parse("gamma * x + beta * gamma")) == ("gamma", "beta")


PIECES = [*FUNCTIONS, *"+-*/()., x1b", "**", "x", "beta", "2.5", "1e3", "if", "lambda", "[", "'"]


@settings(max_examples=400, deadline=None)
@given(st.integers())
def test_any_text_is_a_formula_or_a_sentence(seed: int) -> None:
    """Twenty-five texts at each seed: ten thousand in all."""
    draw = random.Random(seed)
    for _ in range(25):
        pieces = string.printable if draw.random() < 0.3 else PIECES
        text = "".join(draw.choices(pieces, k=draw.randrange(30)))
        try:
            expression = parse(text)
        except UserError:
            continue
        assert parse(to_text(expression)) == expression


def test_as_an_activation() -> None:
    given = {"name": "formula", "expr": "x*sigmoid( beta*x )", "beta": 1.5, "sharing": "layer"}
    activation = Activation.parse(given)
    assert str(activation) == "formula(x * sigmoid(beta * x), beta=1.5, sharing=layer)"
    assert Activation.from_text(str(activation)) == activation
    assert Activation.parse(activation.as_dict()) == activation
    spelled = {**given, "expr": "x * sigmoid(beta * x)", "sharing": "layer"}
    assert Activation.parse(spelled) == activation
    commas = Activation.parse({"name": "formula", "expr": "max(x, 0.1 * x)"})
    assert Activation.from_text(str(commas)) == commas


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("formula", "formula needs a text in x"),
        ({"name": "formula", "expr": "beta * x", "bet": 2}, "did you mean 'beta'"),
        ({"name": "formula", "expr": "x", "beta": 2}, "none is allowed here"),
        ({"name": "formula", "expr": "beta * x", "beta": "two"}, "must be a number up to 1e6"),
        ({"name": "formula", "expr": "beta * x", "beta": float("nan")}, "must be a number"),
        ({"name": "formula", "expr": "x", "sharing": "all"}, "allowed: channel, layer"),
        ({"name": "formula", "expr": 3}, "has no x"),
    ],
)
def test_mistakes_in_an_activation(given: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Activation.parse(given)
