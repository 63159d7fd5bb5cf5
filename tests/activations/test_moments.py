"""Gains against published numbers, closed forms, and a quadrature of another kind."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from activation_search.activations import ENTRIES, gains
from activation_search.errors import UserError

# Forward and backward gain, three decimals, computed before this program was written.
LITERAL = {
    "identity": (1, 1),
    "relu": (1.414, 1.414),
    "leaky_relu": (1.414, 1.414),
    "elu": (1.245, 1.223),
    "selu": (1.000, 0.966),
    "gelu": (1.533, 1.481),
    "gelu_tanh": (1.534, 1.481),
    "quick_gelu": (1.540, 1.492),
    "silu": (1.677, 1.623),
    "e_swish": (0.958, 0.928),
    "hardswish": (1.737, 1.670),
    "mish": (1.487, 1.445),
    "telu": (1.375, 1.335),
    "serf": (1.412, 1.374),
    "logish": (2.268, 2.203),
    "smish": (2.513, 2.443),
    "elish": (1.707, 1.652),
    "lisht": (1.149, 1.075),
    "gelu_sine": (1.428, 1.384),
    "gelu_sinc": (1.534, 1.447),
    "softplus": (1.042, 1.846),
    "shifted_softplus": (1.876, 1.846),
    "squareplus": (0.817, 1.859),
    "logsigmoid": (1.042, 1.846),
    "sigmoid": (1.846, 4.723),
    "hard_sigmoid": (1.898, 6.008),
    "tanh": (1.593, 1.467),
    "hardtanh": (1.392, 1.210),
    "lecun_tanh": (1.154, 1.115),
    "penalized_tanh": (2.185, 2.013),
    "softsign": (2.338, 2.096),
    "arctan": (1.491, 1.414),
    "asinh": (1.257, 1.235),
    "isru": (1.704, 1.554),
    "isrlu": (1.220, 1.189),
    "bent_identity": (0.966, 0.960),
    "sin": (1.521, 1.327),
    "gcu": (1.835, 1.000),
    "gaussian": (1.495, 1.672),
    "relu2": (0.816, 0.707),
    "softshrink": (1.544, 1.273),
    "hardshrink": (1.016, 1.273),
    "tanhshrink": (2.338, 1.988),
    "threshold_relu": (1.580, 2.510),
    "prelu": (1.372, 1.372),
    "snake": (0.875, 0.816),
    "star_relu": (1.000, 0.791),
    "xielu": (0.759, 0.695),
}


@pytest.mark.parametrize("name", LITERAL)
def test_literal_gains(name: str) -> None:
    forward, backward, _ = gains(name)
    assert (forward, backward) == pytest.approx(LITERAL[name], abs=1.1e-3)


def test_closed_forms() -> None:
    root2 = math.sqrt(2)
    assert gains("relu") == pytest.approx((root2, root2, 1 / math.sqrt(2 * math.pi)), abs=1e-6)
    slope = 0.2
    leaky = math.sqrt(2 / (1 + slope**2))
    given = {"name": "leaky_relu", "negative_slope": slope}
    assert gains(given)[:2] == pytest.approx((leaky, leaky), abs=1e-6)
    assert gains("rrelu").forward == pytest.approx(math.sqrt(2 / (1 + (11 / 48) ** 2)), abs=1e-6)
    # E[sin^2 z] = (1 - e^-2) / 2 and E[cos^2 z] = (1 + e^-2) / 2.
    assert gains("sin").forward == pytest.approx(((1 - math.exp(-2)) / 2) ** -0.5, abs=1e-6)
    assert gains("sin").backward == pytest.approx(((1 + math.exp(-2)) / 2) ** -0.5, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "derivative"),
    [
        ("gelu", lambda z: norm.cdf(z) + z * norm.pdf(z)),
        ("tanh", lambda z: 1 / np.cosh(z) ** 2),
        ("softplus", lambda z: 1 / (1 + np.exp(-z))),
    ],
)
def test_backward_gain_by_adaptive_quadrature(name: str, derivative) -> None:
    square, _ = quad(lambda z: derivative(z) ** 2 * norm.pdf(z), -12, 12)
    assert gains(name).backward == pytest.approx(square**-0.5, rel=1e-6)


def test_functions_of_several_channels() -> None:
    # A gated unit a g(b) has E[a^2] E[g(b)^2] = E[g(b)^2]: the forward gain of its gate.
    for gated, gate in (("glu", "sigmoid"), ("geglu", "gelu"), ("swiglu", "silu")):
        assert gains(gated).forward == pytest.approx(gains(gate).forward, rel=1e-4)
        g = gains(gate)
        assert gains(gated).backward == pytest.approx(
            (g.forward**-2 + g.backward**-2) ** -0.5, rel=1e-4
        )
    # MaxMin permutes, which keeps every norm; its derivative is a permutation matrix.
    assert gains("maxmin")[:2] == pytest.approx((1, 1), abs=1e-4)
    assert gains("crelu")[:2] == pytest.approx((math.sqrt(2), math.sqrt(2)), abs=1e-6)


def test_every_entry_has_gains() -> None:
    for name, entry in ENTRIES.items():
        if not entry.open_parameters:
            assert all(math.isfinite(value) for value in gains(name))


def test_a_function_without_a_gain() -> None:
    with pytest.raises(UserError, match="has no gain"):
        gains({"name": "hardshrink", "lambd": 50})
