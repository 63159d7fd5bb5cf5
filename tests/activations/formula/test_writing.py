"""How formulas are written."""

import pytest
import torch

from activation_search.activations import build
from activation_search.activations.formula.operators import FUNCTIONS, OPERATORS
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_latex, to_text, to_torch


@pytest.mark.parametrize(
    ("text", "shortest"),
    [
        ("((x))", "x"),
        ("x-(x-1)", "x - (x - 1)"),
        ("(x-x)-1", "x - x - 1"),
        ("x/(2/3)", "x / (2 / 3)"),
        ("(-x)**2", "(-x)**2"),
        ("-(x**2)", "-x**2"),
        ("(x**2)**3", "(x**2)**3"),
        ("-(x*x)", "-(x * x)"),
        ("(-x)*x", "-x * x"),
        ("x*(1+x)", "x * (1 + x)"),
        ("max( x,0.50 )", "max(x, 0.5)"),
        ("x*-2", "x * (-2)"),
        ("x * 3.141592653589793", "x * pi"),
        ("(-2)**2 * x", "(-2)**2 * x"),
        ("--x", "--x"),
    ],
)
def test_text(text: str, shortest: str) -> None:
    assert to_text(parse(text)) == shortest
    assert parse(shortest) == parse(text)


@pytest.mark.parametrize(
    ("text", "latex"),
    [
        ("x * sigmoid(beta * x)", r"x \, \sigma(\beta \, x)"),
        ("x / (1 + abs(x))", r"\frac{x}{1 + \left|x\right|}"),
        ("(x / 2)**2", r"(\frac{x}{2})^{2}"),
        ("log(x)**2", r"\left(\log\left|x\right|\right)^{2}"),
        ("x * -sin(x)", r"x \, (-\sin(x))"),
        ("x * 1e-7", r"x \, 1 \cdot 10^{-7}"),
        ("a_1 * x + b", r"\mathrm{a\_1} \, x + b"),
    ],
)
def test_latex(text: str, latex: str) -> None:
    assert to_latex(parse(text)) == latex


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("x * sigmoid(beta * x)", "lambda x: x * torch.sigmoid(1.7 * x)"),
        ("x * sqrt(2 / pi)", "lambda x: x * 0.7978845608028654"),
        ("max(0, x)", "lambda x: torch.clamp(x, min=0)"),
        ("x / 4", "lambda x: x / 4"),
        ("x / 1e-9", "lambda x: x / 1e-6"),
        ("max(x, -x)", "lambda x: torch.maximum(x, -x)"),
    ],
)
def test_torch(text: str, line: str) -> None:
    assert to_torch(parse(text), {"beta": 1.7}) == line


EVERY = [
    *(f"{name}(2 * x)" for name in FUNCTIONS if OPERATORS[name].arity == 1),
    *(f"{name}(x, {other})" for name in ("max", "min") for other in ("0.3", "x**2")),
    *(
        "x + 2",
        "2 - x",
        "x * x",
        "x / 3",
        "3 / x",
        "x / 1e-9",
        "x / (x - 1)",
        "-x",
        "x**3",
        "-(x + 1)**2",
    ),
    *("x / sin(x) / 2", "x - (x - tanh(x))", "exp(9) * x", "x + log(3) - cos(b)"),
]


@pytest.mark.parametrize("text", EVERY)
def test_the_line_of_python_computes_the_same(text: str) -> None:
    x = torch.linspace(-6, 6, 97, dtype=torch.float64)
    line = eval(to_torch(parse(text)))
    module = build("formula", expr=text).double()
    torch.testing.assert_close(line(x), module(x), rtol=1e-12, atol=1e-12)
