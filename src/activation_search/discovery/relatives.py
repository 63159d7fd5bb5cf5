"""Which function of the catalogue a formula is closest to."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from torch import Tensor

from activation_search.activations import ENTRIES, build
from activation_search.activations.formula.expression import START, Expression, constants
from activation_search.activations.formula.module import evaluate

SAME = 1e-6  # share of the variance that is left where two functions are the same
NEAR = 5e-3  # a factor that differs so much from 1 is not worth a word


@dataclass(frozen=True)
class Relative:
    """A function g of the catalogue with ``f(x) = scale g(stretch x)``, about.

    error: share of the formula's mean square under N(0, 1) that it leaves.
    """

    name: str
    scale: float
    stretch: float
    error: float

    def __str__(self) -> str:
        inside = "x" if abs(self.stretch - 1) < NEAR else f"{self.stretch:.2f} x"
        scaled = "" if abs(self.scale - 1) < NEAR else f"{self.scale:.2f} "
        share = "exactly" if self.error < SAME else f"{self.error:.1%} of it left"
        return f"{scaled}{self.name}({inside}), {share}"


def nearest(expression: Expression, values: dict[str, float] | None = None) -> Relative:
    """The element-wise function of the catalogue that is closest after scaling input and output.

    Args:
        values: of the formula's constants; 1 where one is left out.

    Example:
        str(nearest(parse("1.7 * x * sigmoid(x)")))  # 1.70 silu(x), exactly
    """
    x = _points()
    known = dict.fromkeys(constants(expression), START) | (values or {})
    given = {name: x.new_tensor(value) for name, value in known.items()}
    y = evaluate(expression, x, given).expand_as(x).numpy()
    relatives = [_scaled(name, y) for name in comparable()]
    # Of those that are the same, the one that is stretched least, then the catalogue's first.
    return min(
        relatives, key=lambda r: (max(r.error, SAME), round(abs(math.log(abs(r.stretch))), 2))
    )


def comparable() -> list[str]:
    """Functions of the catalogue that take one channel and draw no noise."""
    return [
        entry.name
        for entry in ENTRIES.values()
        if not entry.open_parameters and not entry.stochastic and entry.family != "gated"
    ]


def _points() -> Tensor:
    return torch.linspace(-4, 4, 321, dtype=torch.float64)


@cache
def _curve(name: str) -> tuple[np.ndarray, np.ndarray]:
    """The function on four times the range, for stretching."""
    x = torch.linspace(-16, 16, 12801, dtype=torch.float64)
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        y = build(name).double().eval()(x[None, None])[0, 0]
    return x.numpy(), y.numpy()


def _scaled(name: str, y: np.ndarray) -> Relative:
    x = _points().numpy()
    weight = np.exp(-(x**2) / 2)
    total = float((weight * y**2).sum()) or 1.0
    grid, curve = _curve(name)

    def left(log_stretch: float, sign: int) -> tuple[float, float]:
        """What the best scale leaves, and that scale."""
        g = np.interp(sign * math.exp(log_stretch) * x, grid, curve)
        size = float((weight * g**2).sum())
        scale = float((weight * g * y).sum()) / size if size else 0.0
        return float((weight * (y - scale * g) ** 2).sum()) / total, scale

    best = Relative(name, 0.0, 1.0, math.inf)
    for sign in (1, -1):
        for start in (-1.0, 0.0, 1.0):  # the error has several minima for waves
            found = minimize_scalar(
                lambda k, sign=sign: left(k, sign)[0],
                bounds=(start - 0.5, min(start + 0.5, math.log(4))),
                method="bounded",
            )
            for at in (0.0, float(found.x)):  # unstretched, if that is as good
                error, scale = left(at, sign)
                if error < best.error - SAME / 10:
                    best = Relative(name, scale, sign * math.exp(at), error)
    return best
