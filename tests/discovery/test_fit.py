"""A short formula for a curve: the planted ones are found again."""

import pytest
import torch
import torch.nn.functional as F

from activation_search.activations.formula.module import evaluate
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.discovery.fit import fit_formula
from activation_search.discovery.gate import inspect
from activation_search.discovery.grammar import Grammar

X = torch.linspace(-6, 6, 121, dtype=torch.float64)
SMALL = Grammar(["+", "*", "max", "neg", "abs", "sigmoid", "tanh", "relu", "sin", "constant"])


@pytest.mark.parametrize(
    ("curve", "formula"),
    [
        (F.silu(X), "x * sigmoid(x)"),
        (X + torch.sin(X), "x + sin(x)"),
        (X * torch.tanh(X), "x * tanh(x)"),
        (torch.tanh(X).abs(), "abs(tanh(x))"),
    ],
)
def test_planted_functions(curve: torch.Tensor, formula: str) -> None:
    found = fit_formula(X, curve, grammar=SMALL)
    assert found.error < 1e-10
    assert inspect(found.expression).fingerprint == inspect(parse(formula)).fingerprint


def test_constants_are_found() -> None:
    found = fit_formula(X, 1.7 * torch.sin(X), tries=400, grammar=SMALL)
    assert found.error < 1e-10
    assert to_text(found.expression) == "a * sin(x)"
    assert found.values == pytest.approx({"a": 1.7})
    assert str(found).startswith("a * sin(x), a=1.7 (leaves ")


def test_a_formula_can_be_written_with_its_numbers_and_says_what_those_leave() -> None:
    curve = 3.123456e6 * torch.sin(X)  # beyond what formulas may hold
    found = fit_formula(X, curve, tries=200, grammar=SMALL)
    written = parse(to_text(found.with_numbers().expression))
    residual = curve - evaluate(written, X, {})
    assert found.error == pytest.approx(float(residual.var() / curve.var()), rel=0.05)


def test_rounding_of_constants_is_counted() -> None:
    found = fit_formula(X, 1.234567 * torch.sin(X), tries=400, grammar=SMALL)
    assert found.values == {"a": 1.235}
    assert found.error == pytest.approx((1.235 / 1.234567 - 1) ** 2, rel=0.1)
