"""Formulas as modules."""

import math

import mpmath
import pytest
import torch

from activation_search.activations import build, gains
from activation_search.activations.formula.guarded import COMPUTE
from activation_search.activations.formula.operators import OPERATORS

# Catalogue entries as formulas.
SAME = [
    ("relu", "max(x, 0)"),
    ("leaky_relu", "max(x, 0.01 * x)"),
    ("gelu", "x * (1 + erf(x / sqrt(2))) / 2"),
    ("gelu_tanh", "x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))) / 2"),
    ("quick_gelu", "x * sigmoid(1.702 * x)"),
    ("silu", "x * sigmoid(x)"),
    ("mish", "x * tanh(softplus(x))"),
    ("telu", "x * tanh(exp(x))"),
    ("serf", "x * erf(softplus(x))"),
    ("logish", "x * log(1 + sigmoid(x))"),
    ("softsign", "x / (1 + abs(x))"),
    ("elu", "elu(x)"),
    ("elu", "max(x, 0) + expm1(min(x, 0))"),
    ("relu6", "min(max(x, 0), 6)"),
    ("bent_identity", "(sqrt(x**2 + 1) - 1) / 2 + x"),
    ("tanh", "2 * sigmoid(2 * x) - 1"),
    ("sigmoid", "1 / (1 + exp(-x))"),
    ("snake", "x + sin(a * x)**2 / a"),
    ("swish_beta", "x * sigmoid(beta * x)"),
    ("relu2", "relu(x)**2"),
]


@pytest.mark.parametrize(("name", "text"), SAME)
def test_agrees_with_the_catalogue(name: str, text: str) -> None:
    x = torch.linspace(-8, 8, 801, dtype=torch.float64) + 0.005  # beside kinks
    found = []
    for activation in (build(name), build("formula", expr=text)):
        z = x.clone().requires_grad_()
        value = activation.double()(z)
        found.append((value.detach(), *torch.autograd.grad(value.sum(), z)))
    torch.testing.assert_close(found[1], found[0], rtol=1e-6, atol=1e-6)


def test_the_tables_agree() -> None:
    assert set(COMPUTE) == set(OPERATORS)


def test_constants_per_channel_and_per_layer() -> None:
    module = build("formula", expr="a * tanh(b * x)", b=2.0, channels=3)
    assert {name: p.tolist() for name, p in module.named_parameters()} == {
        "constants.a": [1, 1, 1],
        "constants.b": [2, 2, 2],
    }
    module.constants["a"].data = torch.tensor([1.0, 2.0, 3.0])
    value = module(torch.full((1, 3, 2), 0.5))
    expected = torch.tensor([1.0, 2.0, 3.0])[None, :, None].expand(1, 3, 2) * math.tanh(1)
    torch.testing.assert_close(value, expected)
    value.sum().backward()
    assert module.constants["b"].grad is not None
    assert module.constants["b"].grad.shape == (3,)
    shared = build("formula", expr="a * x", sharing="layer", channels=3)
    assert shared.constants["a"].shape == (1,)


@pytest.mark.parametrize(
    ("text", "at", "value", "slope"),
    [
        ("sqrt(x)", 0.0, 1e-6, 0.0),
        ("sqrt(x)", -4.0, 2.0, -0.25),
        ("log(x)", 0.0, math.log(1e-6), 0.0),
        ("log(x)", -math.e, 1.0, -1 / math.e),
        ("1 / x", 0.0, 1e6, 0.0),
        ("1 / x", -4.0, -0.25, -1 / 16),
        ("exp(x)", 100.0, math.exp(80), 0.0),
        ("gauss(x)", 30.0, math.exp(-81), 0.0),
        ("gauss(x)", 1.0, math.exp(-1), -2 * math.exp(-1)),
        ("sinc(x)", 0.0, 1.0, 0.0),
        ("sinc(x)", 2.0, math.sin(2) / 2, math.cos(2) / 2 - math.sin(2) / 4),
    ],
)
def test_guards(text: str, at: float, value: float, slope: float) -> None:
    x = torch.tensor([at], dtype=torch.float64, requires_grad=True)
    found = build("formula", expr=text).double()(x)
    assert found.item() == pytest.approx(value, rel=1e-12)
    assert torch.autograd.grad(found, x)[0].item() == pytest.approx(slope, rel=1e-9, abs=1e-30)


def test_gains_by_quadrature() -> None:
    assert gains({"name": "formula", "expr": "x * sigmoid(x)"}) == pytest.approx(gains("silu"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_halves_are_rounded_once(dtype: torch.dtype) -> None:
    module = build("formula", expr="x * sigmoid(beta * x) + x**2 / 7")
    x = torch.linspace(-3, 3, 31, dtype=dtype)
    torch.testing.assert_close(module(x), module(x.float()).to(dtype), rtol=0, atol=0)


@pytest.mark.parametrize("at", [1e-20, 1e-4, 5e-4, 2e-3, 0.03, 0.0999, 0.1001, 3e38])
def test_the_slope_of_sinc_near_zero(at: float) -> None:
    x = torch.tensor([-at, at], requires_grad=True)
    value = build("formula", expr="sinc(x)", channels=1)(x[:, None])
    value.sum().backward()
    with mpmath.workdps(60):
        point = mpmath.mpf(x.tolist()[1])
        slope = float((point * mpmath.cos(point) - mpmath.sin(point)) / point**2)
    if at < 1:  # beyond it a / pi is not exact
        assert value[0].item() == pytest.approx(math.sin(at) / at, rel=1e-6)
        assert x.grad.tolist() == pytest.approx([-slope, slope], rel=1e-4)
    assert x.grad.isfinite().all()
