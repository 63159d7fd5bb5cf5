"""What is known of a formula before anything is trained: whether it can be an activation at all,
and whether it is one that was tried before."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from activation_search.activations.formula.expression import START, Expression, constants, length
from activation_search.activations.formula.module import evaluate
from activation_search.discovery.grammar import MAX_CONSTANTS, MAX_LENGTH

# Constants are tried at their start and at other values, so that c x is not taken for x.
_VALUES = (0.6, 1.7, -0.4)
_FAR = (10.0, 20.0, 30.0, 50.0, 70.0, 100.0, 1000.0)
MAX_GAIN_RATIO = 8.0
MAX_STEEPNESS = 50.0  # standard deviations of the value per unit of x
MIN_CURVATURE = 0.01  # share of the variance that a line does not explain
DIGITS = 5  # two formulas whose values agree to so many are the same


@dataclass(frozen=True)
class Gated:
    """A formula's passport.

    fingerprint: equal for formulas with equal values. reason: why it cannot be an activation, or
    an empty text.
    """

    fingerprint: bytes
    reason: str = ""


def inspect(expression: Expression) -> Gated:
    """Computes a formula on fixed points, in float64; takes a few milliseconds.

    Refused are, in this order:

    1. more than 20 signs and names, or three learned constants;
    2. a value or a gradient that is not finite in float32 somewhere from -1000 to 1000;
    3. a function that is almost a line for N(0, 1), or constant;
    4. one whose forward and backward gain (see :class:`activation_search.activations.Gains`)
       differ more than eightfold: signal or gradient would vanish or explode;
    5. a jump: steeper than 50 standard deviations of its value per unit of ``x``.
    """
    if length(expression) > MAX_LENGTH or len(constants(expression)) > MAX_CONSTANTS:
        return Gated(b"", "too long")
    x = (torch.linspace(-5, 5, 2001, dtype=torch.float64) + 1e-4).requires_grad_()
    names = constants(expression)
    start = dict.fromkeys(names, x.new_tensor(START))
    y = evaluate(expression, x, start).expand_as(x)
    fingerprint = _print(y.detach()[::40])
    if names:
        others = {n: x.new_tensor(v) for n, v in zip(names, _VALUES, strict=False)}
        fingerprint += _print(evaluate(expression, x, others).expand_as(x).detach()[::40])
    if not y.requires_grad:
        return Gated(fingerprint, "constant")
    slope = torch.autograd.grad(y.sum(), x)[0]
    if not (y.isfinite().all() and slope.isfinite().all() and _finite_far_out(expression)):
        return Gated(fingerprint, "not finite")
    return Gated(fingerprint, _refuse(x.detach(), y.detach(), slope))


def _finite_far_out(expression: Expression) -> bool:
    x = torch.tensor([*_FAR, *(-point for point in _FAR)], requires_grad=True)
    start = dict.fromkeys(constants(expression), x.new_tensor(START))
    y = evaluate(expression, x, start)
    slope = torch.autograd.grad(y.sum(), x)[0]
    return bool(y.isfinite().all() and slope.isfinite().all())


def _print(y: Tensor) -> bytes:
    size = y.abs().max().item() or 1.0
    if not math.isfinite(size):
        return y.numpy().tobytes()
    digits = (y / size * 10**DIGITS).round()
    # -0 and 0 are the same number.
    return repr(float(f"{size:.4g}")).encode() + (digits + 0.0).to(torch.int32).numpy().tobytes()


def _refuse(x: Tensor, y: Tensor, slope: Tensor) -> str:
    weight = torch.exp(-x.square() / 2)
    weight = weight / weight.sum()
    mean = (weight * y).sum()
    variance = (weight * (y - mean).square()).sum()
    if variance <= 1e-12 * (1 + mean.square()):
        return "constant"
    line = (weight * x * (y - mean)).sum() * x
    if (weight * (y - mean - line).square()).sum() < MIN_CURVATURE * variance:
        return "almost a line"
    ratio = ((weight * slope.square()).sum() / (weight * y.square()).sum()).sqrt().item()
    if not 1 / MAX_GAIN_RATIO <= ratio <= MAX_GAIN_RATIO:
        return "gain"
    steepest = (y[1:] - y[:-1]).abs().max() / (x[1] - x[0])
    if steepest > MAX_STEEPNESS * variance.sqrt():
        return "jump"
    return ""
