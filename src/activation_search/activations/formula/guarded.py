"""What the operators of formulas compute: torch's functions, kept in the range where neither value
nor gradient overflows by itself. The table in ``operators`` writes the same as text."""

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from activation_search.activations.formula.operators import POWERS

SMALLEST_DIVISOR = 1e-6
NEAR_ZERO = 0.1
LARGEST_EXPONENT = 80.0  # e^88 overflows float32


def divide(a: Tensor, b: Tensor) -> Tensor:
    """a / b; a divisor nearer to zero than 1e-6 counts as 1e-6."""
    return a / torch.where(b.abs() < SMALLEST_DIVISOR, SMALLEST_DIVISOR, b)


def sqrt(a: Tensor) -> Tensor:
    """sqrt(|a|), whose gradient is finite: 0 nearer to zero than 1e-12."""
    return a.abs().clamp(min=1e-12).sqrt()


def log(a: Tensor) -> Tensor:
    """log(|a|), flat nearer to zero than 1e-6."""
    return a.abs().clamp(min=1e-6).log()


def exp(a: Tensor) -> Tensor:
    return a.clamp(max=LARGEST_EXPONENT).exp()


def expm1(a: Tensor) -> Tensor:
    return a.clamp(max=LARGEST_EXPONENT).expm1()


def gauss(a: Tensor) -> Tensor:
    """exp(-a^2); beyond 9, where it is under 1e-35, flat."""
    return torch.exp(-(a.clamp(-9.0, 9.0) ** 2))


def sinc(a: Tensor) -> Tensor:
    """sin(a) / a, 1 at zero."""
    # The gradient of torch.sinc, (a cos a - sin a) / a^2, cancels near zero; a series does not.
    square = a.clamp(-NEAR_ZERO, NEAR_ZERO) ** 2
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72)))
    return torch.where(a.abs() < NEAR_ZERO, series, torch.sinc(a / torch.pi))


COMPUTE: dict[str, Callable[..., Tensor]] = {
    "+": torch.add,
    "-": torch.sub,
    "*": torch.mul,
    "/": divide,
    "neg": torch.neg,
    "max": torch.maximum,
    "min": torch.minimum,
    "abs": torch.abs,
    "sqrt": sqrt,
    "exp": exp,
    "expm1": expm1,
    "log": log,
    "sin": torch.sin,
    "cos": torch.cos,
    "tanh": torch.tanh,
    "atan": torch.atan,
    "asinh": torch.asinh,
    "erf": torch.erf,
    "sigmoid": torch.sigmoid,
    "softplus": F.softplus,
    "relu": F.relu,
    "elu": F.elu,
    "gauss": gauss,
    "sinc": sinc,
    **{f"**{n}": partial(torch.pow, exponent=n) for n in POWERS},
}
