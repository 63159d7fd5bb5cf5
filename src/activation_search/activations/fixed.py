"""Activations without learnable parameters that torch does not ship, or has a slow kernel for.

Each is a function of a tensor, element-wise, with its parameters as keywords. Formulas, defaults
and sources stand in the catalogue; the comments here say why a form was chosen, mostly to keep
value and gradient right from the smallest to the largest number. Kernels of torch's that use their
rounded result for the gradient (sigmoid, tanh), or square a half for it (arctan, asinh, softsign),
stand here as well: what stands here computes halves in float32.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def identity(x: Tensor) -> Tensor:
    return x


class GeluTanh(torch.autograd.Function):
    """torch's kernels, whose gradient is NaN from 7e12 on, where an infinite x^3 meets a zero."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return F.gelu(x, approximate="tanh")

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        # The derivative is 0 and 1 to the last bit from -30 and 30 on.
        near = x.clamp(-30.0, 30.0)
        return torch.ops.aten.gelu_backward(gradient, near, approximate="tanh")


def gelu_tanh(x: Tensor) -> Tensor:
    return GeluTanh.apply(x)


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def e_swish(x: Tensor, beta: float) -> Tensor:
    return beta * F.silu(x)


def hardswish(x: Tensor) -> Tensor:
    # torch's own kernel overflows from 5e37 on: it divides by six last.
    return x * F.hardsigmoid(x)


def mish(x: Tensor) -> Tensor:
    if not x.is_cpu:
        return F.mish(x)
    # tanh(softplus(x)) in terms of sigmoids: half the time of torch's own kernel on a CPU.
    off = torch.sigmoid(-x)
    return F.silu(x) * (1 + off) / (1 + off * off)


def telu(x: Tensor) -> Tensor:
    # tanh(e^x) is 1 to the last bit of float64 from x = 3 on; the clamp keeps e^x, whose
    # derivative multiplies a zero there, from becoming infinite.
    return x * torch.tanh(torch.exp(x.clamp(max=10.0)))


def serf(x: Tensor) -> Tensor:
    # erf(softplus(x)) is 1 to the last bit of float64 from x = 6 on, and 0 up to -1000; between
    # these the gradient has no infinite factor that meets a zero.
    return x * torch.erf(F.softplus(x.clamp(-1000.0, 10.0)))


def logish(x: Tensor) -> Tensor:
    return x * torch.log1p(torch.sigmoid(x))


def smish(x: Tensor) -> Tensor:
    return x * torch.tanh(torch.log1p(torch.sigmoid(x)))


def elish(x: Tensor) -> Tensor:
    negative = torch.expm1(x.clamp(max=0.0))
    return torch.where(x > 0, x, negative) * torch.sigmoid(x)


def lisht(x: Tensor) -> Tensor:
    return x * torch.tanh(x)


def gelu_sine(x: Tensor, amplitude: float) -> Tensor:
    return F.gelu(x) + amplitude * torch.sin(x)


def gelu_sinc(x: Tensor, amplitude: float) -> Tensor:
    # x sinc(x) = sin(pi x) / pi, of period 2; the remainder is exact where pi x would not be.
    wave = torch.sin(math.pi * torch.fmod(x, 2.0))
    return torch.special.ndtr(x) * (x + amplitude / math.pi * wave)


def shifted_softplus(x: Tensor) -> Tensor:
    # max(x, 0) + log((1 + e^-|x|) / 2): near zero softplus(x) - log 2 cancels.
    positive, minus_size = _parts(x)
    return positive + torch.log1p(0.5 * torch.expm1(minus_size))


def squareplus(x: Tensor, b: float) -> Tensor:
    # max(x, 0) + b / (2 (|x| + sqrt(x^2 + b))): the textbook form cancels to zero for x < 0.
    # hypot does not overflow, and halves are added for the same reason.
    positive, minus_size = _parts(x)
    root = torch.hypot(x, x.new_full((), math.sqrt(b)))
    return positive + b / 4 / (0.5 * root - 0.5 * minus_size)


def _parts(x: Tensor) -> tuple[Tensor, Tensor]:
    """max(x, 0) and -|x|, with derivatives 1 and -1 at zero, which belong together."""
    positive = x.clamp(min=0.0)
    return positive, torch.sub(x, positive, alpha=2)


def sigmoid(x: Tensor) -> Tensor:
    return torch.sigmoid(x)


def tanh(x: Tensor) -> Tensor:
    return torch.tanh(x)


def lecun_tanh(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(2 / 3 * x)


def penalized_tanh(x: Tensor, negative_slope: float) -> Tensor:
    return F.leaky_relu(torch.tanh(x), negative_slope)


def softsign(x: Tensor) -> Tensor:
    return F.softsign(x)


def arctan(x: Tensor) -> Tensor:
    return torch.atan(x)


def asinh(x: Tensor) -> Tensor:
    return torch.asinh(x)


def isru(x: Tensor, alpha: float) -> Tensor:
    scale = alpha**-0.5
    return x / torch.hypot(x, x.new_full((), scale)) * scale


def isrlu(x: Tensor, alpha: float) -> Tensor:
    return torch.where(x > 0, x, isru(x.clamp(max=0.0), alpha))


def bent_identity(x: Tensor) -> Tensor:
    # sqrt(x^2 + 1) - 1 = x^2 / (1 + sqrt(x^2 + 1)), which does not cancel near zero.
    return x * (1 + 0.5 * x / (1 + torch.hypot(x, x.new_ones(()))))


def sine(x: Tensor, w0: float) -> Tensor:
    if abs(w0) <= 1:
        return torch.sin(w0 * x)
    largest = torch.finfo(x.dtype).max
    return torch.sin((w0 * x).clamp(-largest, largest))  # sin(inf) would be NaN


def gcu(x: Tensor) -> Tensor:
    return x * torch.cos(x)


def gaussian(x: Tensor) -> Tensor:
    # Not -x.square(), whose gradient multiplies an infinite 2 x by zero.
    return torch.exp(-x * x)


def relu2(x: Tensor) -> Tensor:
    return F.relu(x).square()


def tanhshrink(x: Tensor) -> Tensor:
    return x - torch.tanh(x)


def threshold_relu(x: Tensor, threshold: float) -> Tensor:
    return F.threshold(x, threshold, 0.0)
