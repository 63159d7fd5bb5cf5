"""What is known of a formula before training."""

import pytest

from activation_search.activations.formula.parse import parse
from activation_search.discovery.gate import inspect

GOOD = ["x * sigmoid(x)", "max(x, 0)", "tanh(x)", "sin(x) * x", "x**2", "a * tanh(x)", "abs(x)",
        "x * erf(x)", "exp(-x**2)", "max(x, 0.1 * x)"]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_activations_pass(text: str) -> None:
    assert inspect(parse(text)).reason == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x", "almost a line"),
        ("x + 0.01 * sin(x)", "almost a line"),
        ("x - x", "constant"),
        ("sigmoid(x / 1000000) * 0 + x * 0", "constant"),
        ("exp(x) * exp(x) * exp(x) * exp(x) * exp(x) * exp(x) * exp(x) * exp(x)", "too long"),
        ("1 / x", "gain"),
        ("x + x / abs(x)", "jump"),
        ("9 + sin(x)", "gain"),
        ("sin(20 * x)", "gain"),
        ("a * x + b * sin(x) + c * cos(d * x)", "too long"),
        ("x + x + x + x + x + x + x + x + x + x + x * x", "too long"),
    ],
)
def test_what_cannot_be_an_activation(text: str, reason: str) -> None:
    assert inspect(parse(text)).reason == reason


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x * sigmoid(x)", "sigmoid(x) * x", True),
        ("x * sigmoid(x)", "x / (1 + exp(-x))", True),
        ("max(x, 0)", "(x + abs(x)) / 2", True),
        ("tanh(x)", "2 * sigmoid(2 * x) - 1", True),
        ("2 * tanh(x)", "tanh(x)", False),
        ("a * tanh(x)", "tanh(x)", False),  # the same at the start alone
        ("a * tanh(x)", "b * tanh(x)", True),
        ("x * erf(x)", "x * tanh(x)", False),
    ],
)
def test_the_same_by_its_values(one: str, other: str, same: bool) -> None:
    prints = [inspect(parse(text)).fingerprint for text in (one, other)]
    assert (prints[0] == prints[1]) is same
