"""Value and gradient of the whole catalogue, over the whole range of three formats.

The tolerance is one rounding to the format, and ten of float32, in which halves are computed:

    eps(format) * max(|reference|, smallest normal)  +  10 eps(float32) * max(|reference|, scale)

where scale is min(1, |x|) for a value and 1 for a gradient: what a flat end loses against the
middle of a function is not counted, as torch's own kernels lose it.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import pytest
import torch
from mpmath import mp, mpf
from torch import Tensor

from activation_search.activations import ENTRIES, build

from .reference import DIGITS, ELEMENTWISE, GATED

FORMATS = (torch.float32, torch.float16, torch.bfloat16)
EPS32 = torch.finfo(torch.float32).eps

# Beside the defaults; numbers of few bits, which all formats and products with x hold exactly.
SETTINGS: list[tuple[str, dict[str, float]]] = [
    *((name, {}) for name in ELEMENTWISE),
    ("leaky_relu", {"negative_slope": -0.5}),
    ("elu", {"alpha": 2.0}),
    ("celu", {"alpha": 0.25}),
    ("e_swish", {"beta": 0.5}),
    ("gelu_sine", {"amplitude": 0.5}),
    ("gelu_sinc", {"amplitude": 0.75}),
    ("squareplus", {"b": 0.015625}),
    ("penalized_tanh", {"negative_slope": 0.75}),
    ("isru", {"alpha": 8.0}),
    ("isrlu", {"alpha": 0.25}),
    ("sin", {"w0": 0.25}),
    ("sin", {"w0": 30.0}),
    ("softshrink", {"lambd": 0.25}),
    ("hardshrink", {"lambd": 1.0}),
    ("threshold_relu", {"threshold": 0.25}),
    ("prelu", {"init": -0.5}),
    ("swish_beta", {"beta": 3.0}),
    ("swish_beta", {"beta": 0.0}),
    ("pelu", {"a": 2.0, "b": 4.0}),
    ("srelu", {"tr": 2.0, "ar": 3.0, "tl": -1.0, "al": 0.125}),
    ("pwlu", {"bins": 5, "bound": 2.5}),
    ("acon_c", {"p1": 1.25, "p2": -0.25, "beta": 0.75}),
    ("smu", {"alpha": 0.5, "mu": 1024.0}),
    ("aglu", {"lambda_": 0.125, "kappa": 4.0}),
    ("aglu", {"lambda_": 2.0, "kappa": 1.5}),
    ("snake", {"a": 0.25}),
    ("snake", {"a": 0.0}),
    ("star_relu", {"s": 2.0, "b": 0.25}),
    ("xielu", {"alpha_p": 1.1, "alpha_n": 0.3}),
]
MIDDLE = (0.05, 0.25, 0.5, 0.9, 1, 1.5, 2, 2.5, 3, 4.5, 6, 8, 10, 13, 16.5, 20, 60, 88, 100)
FAR = (1e-30, 1e-10, 1e-7, 1e-3, 256, 3e3, 4e4, 1e6, 1.7e8, 1e13, 2e19, 1e25, 1e37, 2.3e38)


@cache
def grid(dtype: torch.dtype) -> Tensor:
    """``[N]``, both signs, those of few bits the same in all formats: zero, the smallest subnormal
    and normal, the largest number, and a unit in the last place beside some kinks."""
    format = torch.finfo(dtype)
    short = torch.tensor([*MIDDLE, *FAR]).to(torch.bfloat16).double()
    short = short[(short > format.tiny) & (short < format.max)]
    kinks = torch.tensor([0.5, 1, 3, 6], dtype=torch.float64)
    beside = torch.cat([kinks * (1 + format.eps), kinks * (1 - format.eps)])
    ends = torch.tensor([0, format.tiny * format.eps, format.tiny, format.max]).double()
    positive = torch.cat([ends, short, beside])
    return torch.cat([positive, -positive]).to(dtype).unique()


@cache
def reference(name: str, x: float, settings: tuple[tuple[str, Any], ...]) -> tuple[mpf, mpf, mpf]:
    """Value, and the two derivatives from either side in ascending order."""
    given = {k: list(map(mpf, v)) if isinstance(v, tuple) else mpf(v) for k, v in settings}
    function = ELEMENTWISE[name]
    with mp.workdps(DIGITS):
        point = mpf(x)
        step = mpf(10) ** -40 * min(1, abs(point)) if x else mpf(10) ** -90
        left, here, right = (function(point + k * step, **given) for k in (-1, 0, 1))
        low, high = sorted([(here - left) / step, (right - here) / step])
        return here, low, high


def settings_of(name: str, module: torch.nn.Module) -> tuple[tuple[str, Any], ...]:
    """What the reference takes: fixed parameters, and learned ones with the values they have."""
    if not ENTRIES[name].learns:
        fixed = getattr(module, "parameters_of_function", None) or vars(module)
        return tuple((key, fixed[key]) for key in ENTRIES[name].parameters)
    found: dict[str, Any] = {
        key: tuple(p[:, 0].tolist()) if p.dim() == 2 else p[0].item()
        for key, p in module.named_parameters()
    }
    found |= {k: getattr(module, k) for k in {"smu": ["alpha"], "pwlu": ["bound"]}.get(name, [])}
    return tuple(found.items())


def misses(found: float, low: mpf, high: mpf, scale: float, format: torch.finfo) -> float:
    """How many tolerances ``found`` lies outside of ``[low, high]``."""
    largest = mpf(format.max)
    if math.isinf(found):
        # A last bit decides whether the largest number itself overflows.
        reached = high if found > 0 else -low
        return 0.0 if reached > largest * (1 - 16 * mpf(EPS32)) else math.inf
    if math.isnan(found):
        return math.inf
    size = min(abs(low), abs(high))
    rounding = format.eps * max(size, mpf(format.tiny)) if format.eps > EPS32 else 0
    tolerance = rounding + 10 * EPS32 * max(size, mpf(max(scale, format.tiny)))
    return float(max(low - found, found - high, 0) / tolerance)


def evaluated(module: torch.nn.Module, x: Tensor) -> tuple[Tensor, Tensor]:
    """Value and gradient of ``x`` ``[N]``; both in its type."""
    x = x.clone().requires_grad_()
    y = module(x[:, None])[:, 0]
    assert y.dtype == x.dtype
    (gradient,) = torch.autograd.grad(y, x, torch.ones_like(y))
    return y.detach(), gradient


def far_off(name: str, module: torch.nn.Module, dtype: torch.dtype) -> Iterator[str]:
    x = grid(dtype)
    if w0 := dict(settings_of(name, module)).get("w0"):
        x = x[(x.double() * w0).abs() < torch.finfo(torch.float32).max]  # else no phase is left
        if dtype == torch.float32:  # products of 29 bits are rounded
            x = x[x == x.bfloat16().float()]
    for point, value, slope in zip(
        x.tolist(), *(t.tolist() for t in evaluated(module, x)), strict=True
    ):
        exact, low, high = reference(name, point, settings_of(name, module))
        format = torch.finfo(dtype)
        if (off := misses(value, exact, exact, min(1, abs(point)), format)) > 1:
            yield f"{dtype} f({point}) = {value}, not {float(exact)}: {off:.3g}"
        if (off := misses(slope, low, high, 1, format)) > 1:
            yield f"{dtype} f'({point}) = {slope}, not {float(low)} to {float(high)}: {off:.3g}"


def test_every_element_wise_entry_has_a_reference() -> None:
    elementwise = {n for n, e in ENTRIES.items() if e.inputs == e.outputs == 1}
    assert set(ELEMENTWISE) == elementwise - {"custom", "formula"}


@pytest.mark.parametrize(("name", "settings"), SETTINGS, ids=str)
def test_value_and_gradient(name: str, settings: dict[str, float]) -> None:
    wrong: list[str] = []
    for dtype in FORMATS:
        module = build(name, **settings).eval()
        wrong += far_off(name, module.to(dtype), dtype)
    assert wrong == []


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if e.learns])
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_gradients_of_parameters_are_never_nan(name: str, dtype: torch.dtype) -> None:
    x = grid(dtype)
    for settings in [given for n, given in SETTINGS if n == name]:
        # One channel per number, so that each has a gradient of its own.
        module = build(name, channels=len(x), sharing="channel", **settings).to(dtype)
        y = module(x[None])
        y.backward(torch.ones_like(y))
        for parameter in module.parameters():
            assert parameter.grad is not None
            assert not x[parameter.grad.isnan().view(-1, len(x)).any(0)].tolist()


@pytest.mark.parametrize("name", GATED)
@pytest.mark.parametrize("dtype", FORMATS, ids=str)
def test_gated_units(name: str, dtype: torch.dtype) -> None:
    values, gates = [-3.0, 0.25, 4e4], [-20.0, -8.0, -1.0, 0.5, 6.0, 30.0]
    format = torch.finfo(dtype)
    pairs = torch.cartesian_prod(torch.tensor(values), torch.tensor(gates)).to(dtype)
    y = build(name, channels=2)(pairs)
    assert y.dtype == dtype
    for (a, b), found in zip(pairs.tolist(), y[:, 0].tolist(), strict=True):
        exact = GATED[name](mpf(a), mpf(b))
        # What the gate loses, times the value.
        assert misses(found, exact, exact, max(1, abs(a)), format) <= 1, (a, b, found)


def rows(numbers: Sequence[float], entry: Any, dtype: torch.dtype) -> Tensor:
    return torch.tensor(numbers, dtype=dtype)[:, None].repeat(1, entry.inputs)


@pytest.mark.parametrize("name", [n for n, e in ENTRIES.items() if not e.open_parameters])
@pytest.mark.parametrize("training", [False, True])
def test_nan_gives_nan(name: str, training: bool) -> None:
    for dtype in (*FORMATS, torch.float64):
        module = build(name, channels=ENTRIES[name].inputs).to(dtype).train(training)
        assert module(rows([math.nan], ENTRIES[name], dtype)).isnan().all(), dtype
