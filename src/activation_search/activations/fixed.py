"""Activations without learnable parameters that torch does not ship, or has a slow kernel for.

Each is a function of a tensor, element-wise, with its parameters as keywords. Formulas, defaults
and sources stand in the catalogue; the comments here say why a form was chosen, mostly to keep
value and gradient finite for large inputs in float32 and bfloat16.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor


def identity(x: Tensor) -> Tensor:
    return x


def gelu_tanh(x: Tensor) -> Tensor:
    return F.gelu(x, approximate="tanh")


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


def e_swish(x: Tensor, beta: float) -> Tensor:
    return beta * F.silu(x)


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
    return x * torch.erf(F.softplus(x))


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
    return F.gelu(x) * (1 + amplitude * torch.sinc(x))


def shifted_softplus(x: Tensor) -> Tensor:
    return F.softplus(x) - math.log(2)


def squareplus(x: Tensor, b: float) -> Tensor:
    root = torch.sqrt(x.square() + b)
    # For x < 0 the textbook form (x + root) / 2 cancels to zero; this one does not.
    return torch.where(x > 0, (x + root) / 2, b / (2 * (root + x.abs())))


def lecun_tanh(x: Tensor) -> Tensor:
    return 1.7159 * torch.tanh(2 / 3 * x)


def penalized_tanh(x: Tensor, negative_slope: float) -> Tensor:
    return F.leaky_relu(torch.tanh(x), negative_slope)


def isru(x: Tensor, alpha: float) -> Tensor:
    return x * torch.rsqrt(1 + alpha * x.square())


def isrlu(x: Tensor, alpha: float) -> Tensor:
    return torch.where(x > 0, x, isru(x.clamp(max=0.0), alpha))


def bent_identity(x: Tensor) -> Tensor:
    return (torch.sqrt(x.square() + 1) - 1) / 2 + x


def sine(x: Tensor, w0: float) -> Tensor:
    return torch.sin(w0 * x)


def gcu(x: Tensor) -> Tensor:
    return x * torch.cos(x)


def gaussian(x: Tensor) -> Tensor:
    return torch.exp(-x.square())


def relu2(x: Tensor) -> Tensor:
    return F.relu(x).square()


def threshold_relu(x: Tensor, threshold: float) -> Tensor:
    return F.threshold(x, threshold, 0.0)
