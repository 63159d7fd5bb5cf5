"""Every activation against its closed form, written again in numpy and scipy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from scipy.special import erf, expit, log1p, ndtr

from activation_search.activations import ENTRIES, build

X = np.concatenate([np.linspace(-12, 12, 4801), [-1e3, -37.5, 37.5, 1e3]])


def softplus(x: np.ndarray) -> np.ndarray:
    return np.logaddexp(0, x)


def branches(positive: np.ndarray, negative: np.ndarray) -> np.ndarray:
    return np.where(X > 0, positive, negative)


EXP = np.exp(np.minimum(X, 0))
TANH_GELU = np.tanh(np.sqrt(2 / np.pi) * (X + 0.044715 * X**3))

ELEMENTWISE: dict[str, np.ndarray] = {
    "identity": X,
    "relu": np.maximum(X, 0),
    "relu6": np.clip(X, 0, 6),
    "leaky_relu": branches(X, 0.01 * X),
    "elu": branches(X, EXP - 1),
    "celu": branches(X, EXP - 1),
    "selu": 1.0507009873554805 * branches(X, 1.6732632423543772 * (EXP - 1)),
    "gelu": X * ndtr(X),
    "gelu_tanh": 0.5 * X * (1 + TANH_GELU),
    "quick_gelu": X * expit(1.702 * X),
    "silu": X * expit(X),
    "e_swish": 1.75 * X * expit(X),
    "hardswish": X * np.clip(X + 3, 0, 6) / 6,
    "mish": X * np.tanh(softplus(X)),
    "telu": X * np.tanh(np.exp(np.minimum(X, 20))),
    "serf": X * erf(softplus(X)),
    "logish": X * log1p(expit(X)),
    "smish": X * np.tanh(np.log(1 + expit(X))),
    "elish": expit(X) * branches(X, EXP - 1),
    "lisht": X * np.tanh(X),
    "gelu_sine": X * ndtr(X) + 0.1 * np.sin(X),
    "gelu_sinc": X * ndtr(X) * (1 + 0.5 * np.sinc(X)),
    "softplus": softplus(X),
    "shifted_softplus": softplus(X) - np.log(2),
    "squareplus": branches((X + np.hypot(X, 2)) / 2, 2 / (np.hypot(X, 2) - X)),
    "logsigmoid": -softplus(-X),
    "sigmoid": expit(X),
    "hard_sigmoid": np.clip(X / 6 + 0.5, 0, 1),
    "tanh": np.tanh(X),
    "hardtanh": np.clip(X, -1, 1),
    "lecun_tanh": 1.7159 * np.tanh(2 * X / 3),
    "penalized_tanh": branches(np.tanh(X), 0.25 * np.tanh(X)),
    "softsign": X / (1 + np.abs(X)),
    "arctan": np.arctan(X),
    "asinh": np.arcsinh(X),
    "isru": X / np.sqrt(1 + X**2),
    "isrlu": branches(X, X / np.sqrt(1 + X**2)),
    "bent_identity": (np.hypot(X, 1) - 1) / 2 + X,
    "sin": np.sin(X),
    "gcu": X * np.cos(X),
    "gaussian": np.exp(-(X**2)),
    "relu2": np.maximum(X, 0) ** 2,
    "softshrink": np.sign(X) * np.maximum(np.abs(X) - 0.5, 0),
    "hardshrink": np.where(np.abs(X) > 0.5, X, 0),
    "tanhshrink": X - np.tanh(X),
    "threshold_relu": np.where(X > 1, X, 0),
    "prelu": branches(X, 0.25 * X),
    "swish_beta": X * expit(X),
    "pelu": branches(X, EXP - 1),
    "srelu": branches(X, 0.2 * X),
    "apl": np.maximum(X, 0),
    "pwlu": np.maximum(X, 0),
    "acon_c": X * expit(X),
    "smu": (1.25 * X + 0.75 * X * erf(2.5 * 0.75 * X)) / 2,
    "aglu": X * expit(X),
    "blend": (np.tanh(X) + branches(X, EXP - 1) + np.maximum(X, 0) + X * expit(X) + X) / 5,
    "snake": X + np.sin(X) ** 2,
    "star_relu": 0.8944 * np.maximum(X, 0) ** 2 - 0.4472,
    "xielu": branches(0.8 * X**2, 0.8 * (EXP - 1 - X)) + 0.5 * X,
    "rrelu": branches(X, 11 / 48 * X),
    "probact": np.maximum(X, 0),
}

# With parameters other than the defaults: (name, parameters, expected).
PARAMETRIC: list[tuple[str, dict, np.ndarray]] = [
    ("leaky_relu", {"negative_slope": 0.2}, branches(X, 0.2 * X)),
    ("elu", {"alpha": 0.5}, branches(X, 0.5 * (EXP - 1))),
    ("celu", {"alpha": 2.0}, branches(X, 2 * (np.exp(np.minimum(X, 0) / 2) - 1))),
    ("squareplus", {"b": 1.0}, branches((X + np.hypot(X, 1)) / 2, 0.5 / (np.hypot(X, 1) - X))),
    ("sin", {"w0": 30.0}, np.sin(30 * X)),
    ("isru", {"alpha": 3.0}, X / np.sqrt(1 + 3 * X**2)),
    ("prelu", {"init": 0.1}, branches(X, 0.1 * X)),
    ("swish_beta", {"beta": 2.0}, X * expit(2 * X)),
    ("pelu", {"a": 2.0, "b": 3.0}, branches(2 / 3 * X, 2 * (np.exp(np.minimum(X, 0) / 3) - 1))),
    (
        "srelu",
        {"tr": 2.0, "ar": 0.5, "tl": -1.0, "al": 0.1},
        np.where(X >= 2, 2 + 0.5 * (X - 2), np.where(X <= -1, -1 + 0.1 * (X + 1), X)),
    ),
    (
        "acon_c",
        {"p1": 1.2, "p2": -0.3, "beta": 0.7},
        1.5 * X * expit(0.7 * 1.5 * X) - 0.3 * X,
    ),
    ("smu", {"alpha": 0.1, "mu": 1.0}, (1.1 * X + 0.9 * X * erf(0.9 * X)) / 2),
    (
        "aglu",
        {"lambda_": 2.0, "kappa": 1.5},
        X * np.exp(-0.5 * np.logaddexp(0, np.log(2) - 1.5 * X)),
    ),
    ("snake", {"a": 0.2}, X + np.sin(0.2 * X) ** 2 / 0.2),
    ("star_relu", {"s": 2.0, "b": 0.3}, 2 * np.maximum(X, 0) ** 2 + 0.3),
    (
        "xielu",
        {"alpha_p": 1.1, "alpha_n": 0.3},
        branches(1.1 * X**2, 0.3 * (EXP - 1 - X)) + 0.5 * X,
    ),
]


def evaluate(name: str, **parameters: float) -> np.ndarray:
    module = build(name, **parameters).double().eval()
    with torch.no_grad():
        return module(torch.from_numpy(X)[:, None])[:, 0].numpy()


def test_every_element_wise_entry_has_a_closed_form_here() -> None:
    elementwise = {n for n, e in ENTRIES.items() if e.inputs == e.outputs == 1}
    assert set(ELEMENTWISE) == elementwise - {"custom", "formula", "rational"}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_default_parameters(name: str) -> None:
    # float32 parameters such as 0.2 differ from their decimal value in the seventh digit.
    np.testing.assert_allclose(evaluate(name), ELEMENTWISE[name], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("name", "parameters", "expected"), PARAMETRIC)
def test_other_parameters(name: str, parameters: dict, expected: np.ndarray) -> None:
    np.testing.assert_allclose(evaluate(name, **parameters), expected, rtol=1e-6, atol=1e-7)


def test_rational_starts_near_leaky_relu() -> None:
    inside = np.abs(X) <= 10
    error = np.abs(evaluate("rational") - branches(X, 0.01 * X))[inside]
    assert error.max() < 0.073


@pytest.mark.parametrize(
    ("name", "gate"),
    [
        ("glu", expit),
        ("reglu", lambda b: np.maximum(b, 0)),
        ("geglu", lambda b: b * ndtr(b)),
        ("swiglu", lambda b: b * expit(b)),
        ("bilinear", lambda b: b),
    ],
)
def test_gated_units(name: str, gate: Callable[[np.ndarray], np.ndarray]) -> None:
    x = np.random.default_rng(0).normal(size=(5, 6))
    y = build(name, channels=6)(torch.from_numpy(x)).numpy()
    np.testing.assert_allclose(y, x[:, :3] * gate(x[:, 3:]), rtol=1e-12)


def test_crelu_and_maxmin() -> None:
    x = torch.tensor([[1.0, -2.0, 3.0, 5.0]])
    assert build("crelu", channels=4)(x).tolist() == [[1, 0, 3, 5, 0, 2, 0, 0]]
    assert build("maxmin", channels=4)(x).tolist() == [[1, -2, 5, 3]]


def test_channel_functions_find_the_channels_on_any_dimension() -> None:
    image = torch.randn(2, 4, 3, 5)
    tokens = image.flatten(2).transpose(1, 2)  # B, T, C
    for name in ("swiglu", "crelu", "maxmin", "prelu", "pwlu", "apl"):
        first = build(name, channels=4)
        last = build(name, channels=4, channel_dim=-1)
        expected = first(image).flatten(2).transpose(1, 2)
        torch.testing.assert_close(last(tokens), expected)


def test_noise_of_stochastic_functions() -> None:
    torch.manual_seed(0)
    x = torch.full((100_000,), -1.0)
    slopes = -build("rrelu").train()(x)
    assert 1 / 8 <= slopes.min() < 0.126
    assert 0.332 < slopes.max() <= 1 / 3
    noise = build("probact", sigma=0.5).train()(x).detach()
    assert noise.std().item() == pytest.approx(0.5, rel=0.02)
    assert noise.mean().item() == pytest.approx(0.0, abs=0.01)
