"""Activations that learn their shape, and one that adds noise.

Every module takes ``channels`` and ``channel_dim`` and a ``sharing`` of its parameters: one value
per ``"channel"``, or one for the whole ``"layer"``. Formulas, start values and sources stand in
the catalogue; attribute names of learned tensors are those of its ``learns`` column.
"""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activation_search.activations.element import Element
from activation_search.activations.fixed import identity

# A scale that a formula divides by is kept at or above this, as the PELU paper does.
SMALLEST_SCALE = 0.1
# Beyond it sigmoid and softplus are flat to the last bit of float64. Arguments are held inside it,
# since further out an infinite factor of the gradient meets a zero.
FLAT = 1000.0


class Learnable(Element):
    """Creates learned tensors of the right length and lays them along the channels.

    Args:
        channels: number of channels of the input.
        channel_dim: their dimension: 1 for ``[B, C, ...]``, -1 for ``[B, T, C]``.
        sharing: ``"channel"`` for one value per channel, ``"layer"`` for a single one.
    """

    def __init__(self, channels: int = 1, channel_dim: int = 1, sharing: str = "channel"):
        super().__init__()
        self.sharing = sharing
        self.count = channels if sharing == "channel" else 1
        self.channel_dim = channel_dim

    def start(self, value: float) -> nn.Parameter:
        """A learned tensor ``[count]`` that starts at ``value``."""
        return nn.Parameter(torch.full((self.count,), float(value)))

    def along(self, parameter: Tensor, x: Tensor) -> Tensor:
        """``parameter`` ``[count]`` (or ``[S, count]``) in the type of ``x``, shaped to broadcast
        over it."""
        trailing = x.dim() - 1 - self.channel_dim % x.dim()
        return parameter.to(x.dtype).reshape(*parameter.shape, *[1] * trailing)

    def extra_repr(self) -> str:
        return f"count={self.count}, channel_dim={self.channel_dim}"


class PReLU(Learnable):
    def __init__(self, init: float, **kwargs):
        super().__init__(**kwargs)
        self.weight = self.start(init)

    def compute(self, x: Tensor) -> Tensor:
        # On a CPU a third of the time that torch's own kernel takes, forward and backward.
        positive = F.relu(x)
        return positive + self.along(self.weight, x) * (x - positive)


class SwishBeta(Learnable):
    def __init__(self, beta: float, **kwargs):
        super().__init__(**kwargs)
        self.beta = self.start(beta)

    def compute(self, x: Tensor) -> Tensor:
        return x * torch.sigmoid(self.along(self.beta, x) * x)


class PELU(Learnable):
    def __init__(self, a: float, b: float, **kwargs):
        super().__init__(**kwargs)
        self.a = self.start(a)
        self.b = self.start(b)

    def compute(self, x: Tensor) -> Tensor:
        a = self.along(self.a, x).clamp(min=SMALLEST_SCALE)
        b = self.along(self.b, x).clamp(min=SMALLEST_SCALE)
        return torch.where(x > 0, a / b * x, a * torch.expm1(x.clamp(max=0.0) / b))


class SReLU(Learnable):
    def __init__(self, tr: float, ar: float, tl: float, al: float, **kwargs):
        super().__init__(**kwargs)
        self.tr = self.start(tr)
        self.ar = self.start(ar)
        self.tl = self.start(tl)
        self.al = self.start(al)

    def compute(self, x: Tensor) -> Tensor:
        tr, ar, tl, al = (self.along(p, x) for p in (self.tr, self.ar, self.tl, self.al))
        right = tr + ar * (x - tr)
        left = tl + al * (x - tl)
        return torch.where(x >= tr, right, torch.where(x <= tl, left, x))


class APL(Learnable):
    def __init__(self, hinges: int, **kwargs):
        super().__init__(**kwargs)
        # Slopes start at zero, so that training starts from ReLU; the hinges start at the
        # quantiles of N(0, 0.5^2), which spreads them as a random draw would, without a draw.
        quantiles = (torch.arange(hinges) + 0.5) / hinges
        positions = 0.5 * torch.special.ndtri(quantiles)
        self.slopes = nn.Parameter(torch.zeros(hinges, self.count))
        self.hinges = nn.Parameter(positions[:, None].repeat(1, self.count))

    def compute(self, x: Tensor) -> Tensor:
        y = F.relu(x)
        for slope, hinge in zip(self.slopes, self.hinges, strict=True):
            y = y + self.along(slope, x) * F.relu(self.along(hinge, x) - x)
        return y


class PWLU(Learnable):
    """Linear between ``bins + 1`` learned heights on [-bound, bound], learned slopes outside."""

    def __init__(self, bins: int, bound: float, **kwargs):
        super().__init__(**kwargs)
        self.bins = bins
        self.bound = bound
        knots = torch.linspace(-bound, bound, bins + 1)
        self.heights = nn.Parameter(F.relu(knots)[:, None].repeat(1, self.count))
        self.left_slope = self.start(0.0)
        self.right_slope = self.start(1.0)

    def compute(self, x: Tensor) -> Tensor:
        step = 2 * self.bound / self.bins
        # Counted from the middle, since x + bound would round away what is near zero.
        position = x.clamp(-self.bound, self.bound) / step + self.bins % 2 / 2
        floor = position.detach().floor().clamp(max=(self.bins - 1) // 2)
        # NaN stays NaN by its position; as an index it would be anything.
        piece = floor.nan_to_num(0.0).long() + self.bins // 2
        column = self.along(torch.arange(self.count, device=x.device), x).long()
        index = piece * self.count + column
        left, right = self.heights.take(index), self.heights.take(index + self.count)
        y = left + (position - floor) * (right - left)
        # relu has derivative 0 at 0: at the bounds the slope inside counts, and only once.
        y = y - self.along(self.left_slope, x) * F.relu(-self.bound - x)
        return y + self.along(self.right_slope, x) * F.relu(x - self.bound)


class Rational(Learnable):
    """Padé activation unit: P5(x) / (1 + sum_k |b_k x^k|), k = 1..4.

    The start coefficients are a least-squares fit of leaky ReLU (slope 0.01) on [-10, 10], where
    they err by less than 0.073; a fit on the usual [-3, 3] bends away from the line outside it.
    """

    LIMIT = 1e12
    NUMERATOR = (0.0700481, 0.624359, 0.967455, 0.484889, 0.0829286, 0.00467539)
    DENOMINATOR = (0.502337, 0.680844, 0.051839, 0.00629002)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.numerator = nn.Parameter(torch.tensor(self.NUMERATOR)[:, None].repeat(1, self.count))
        self.denominator = nn.Parameter(
            torch.tensor(self.DENOMINATOR)[:, None].repeat(1, self.count)
        )

    def compute(self, x: Tensor) -> Tensor:
        # Both polynomials divided by max(1, |x|)^4, since x^5 overflows from 5e7 on. The divisor
        # is a constant for the gradient, as it cancels in the quotient. Beyond the limit the
        # quotient is a line to the last bit, through a5 x alone.
        limited = x.clamp(-self.LIMIT, self.LIMIT)
        divisor = limited.detach().abs().clamp(min=1)
        inside, scale = limited / divisor, 1 / divisor
        size = inside.abs()
        *lower, a4, a5 = (self.along(a, x) for a in self.numerator)
        *steps, b4 = (self.along(b, x).abs() for b in self.denominator)
        top, bottom, power = a4 + a5 * x, b4, scale
        for a, b in zip(reversed(lower[1:]), reversed(steps), strict=True):
            top = top * inside + a * power
            bottom = bottom * size + b * power
            power = power * scale
        return (top * inside + lower[0] * power) / (bottom * size + power)


class AconC(Learnable):
    def __init__(self, p1: float, p2: float, beta: float, **kwargs):
        super().__init__(**kwargs)
        self.p1 = self.start(p1)
        self.p2 = self.start(p2)
        self.beta = self.start(beta)

    def compute(self, x: Tensor) -> Tensor:
        p2 = self.along(self.p2, x)
        gap = self.along(self.p1, x) - p2
        gate = (self.along(self.beta, x) * gap * x).clamp(-FLAT, FLAT)
        return x * (gap * torch.sigmoid(gate) + p2)


class SMU(Learnable):
    def __init__(self, alpha: float, mu: float, **kwargs):
        super().__init__(**kwargs)
        self.alpha = alpha
        self.mu = self.start(mu)

    def compute(self, x: Tensor) -> Tensor:
        # Halved first, since (1 + alpha) x may overflow.
        half = (1 - self.alpha) / 2
        smooth = torch.erf(2 * half * self.along(self.mu, x) * x)
        return x * ((1 + self.alpha) / 2 + half * smooth)


class AGLU(Learnable):
    def __init__(self, lambda_: float, kappa: float, **kwargs):
        super().__init__(**kwargs)
        self.lambda_ = self.start(lambda_)
        self.kappa = self.start(kappa)

    def compute(self, x: Tensor) -> Tensor:
        lambda_ = self.along(self.lambda_, x).clamp(min=SMALLEST_SCALE)
        kappa = self.along(self.kappa, x)
        # (lambda e^(-kappa x) + 1)^(-1/lambda), through the logarithm so that nothing overflows.
        exponent = (lambda_.log() - kappa * x).clamp(-FLAT, FLAT * FLAT)
        return x * torch.exp(-F.softplus(exponent) / lambda_)


class Blend(Learnable):
    """Weighted sum of tanh, ELU, ReLU, SiLU and the identity (adaptive blending unit)."""

    POOL: tuple[Callable[[Tensor], Tensor], ...] = (torch.tanh, F.elu, F.relu, F.silu, identity)

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        size = len(self.POOL)
        self.weights = nn.Parameter(torch.full((size, self.count), 1 / size))

    def compute(self, x: Tensor) -> Tensor:
        pairs = zip(self.weights, self.POOL, strict=True)
        return torch.stack([self.along(w, x) * f(x) for w, f in pairs]).sum(0)


class Snake(Learnable):
    def __init__(self, a: float, **kwargs):
        super().__init__(**kwargs)
        self.a = self.start(a)

    def compute(self, x: Tensor) -> Tensor:
        a = self.along(self.a, x)
        # sin(ax) (sin(ax) / a), whose second factor is x at a = 0: this has a derivative there,
        # and loses nothing for small ax as 1 - cos 2ax does.
        still = a == 0
        largest = torch.finfo(x.dtype).max
        sine = torch.sin((a * x).clamp(-largest, largest))
        ratio = torch.where(still, x, sine / torch.where(still, 1, a))
        return x + sine * ratio


class StarReLU(Learnable):
    def __init__(self, s: float, b: float, **kwargs):
        super().__init__(**kwargs)
        self.s = self.start(s)
        self.b = self.start(b)

    def compute(self, x: Tensor) -> Tensor:
        positive = F.relu(x)
        # In this order it overflows only where the result does.
        return self.along(self.s, x) * positive * positive + self.along(self.b, x)


class XIELU(Learnable):
    BETA = 0.5

    def __init__(self, alpha_p: float, alpha_n: float, **kwargs):
        super().__init__(**kwargs)
        # softplus keeps both positive; the learned tensor holds its inverse.
        # log(e^alpha - 1), in an order that does not overflow.
        self.raw_p = self.start(alpha_p + math.log(-math.expm1(-alpha_p)))
        self.raw_n = self.start(alpha_n + math.log(-math.expm1(-alpha_n)))

    def compute(self, x: Tensor) -> Tensor:
        alpha_p = F.softplus(self.along(self.raw_p, x))
        alpha_n = F.softplus(self.along(self.raw_n, x))
        positive, negative = x.clamp(min=0.0), x.clamp(max=0.0)
        # In this order the square overflows only where the result does.
        curved = alpha_p * positive * positive + alpha_n * (torch.expm1(negative) - negative)
        return curved + self.BETA * x
