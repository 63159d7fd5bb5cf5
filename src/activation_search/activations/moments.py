"""Gains of an activation by quadrature over the standard normal distribution.

python -c "from activation_search.activations import gains; print(gains('gelu'))"
"""

import math
from functools import cache
from typing import Any, NamedTuple

import torch
from torch import Tensor

from activation_search.activations.activation import Activation
from activation_search.activations.factory import build
from activation_search.errors import UserError
from activation_search.user_code import own_callable

_LIMIT = 10.0  # the normal density beyond is under 1e-22


class Gains(NamedTuple):
    """What an activation f does to z ~ N(0, 1), element-wise or per group of channels.

    forward: 1 / sqrt(E[f(z)^2]); weights of standard deviation forward / sqrt(fan_in) after the
        activation keep the variance of the signal.
    backward: 1 / sqrt(E[f'(z)^2]); the same for the gradient.
    mean: E[f(z)].
    """

    forward: float
    backward: float
    mean: float


def gains(activation: object) -> Gains:
    """The gains of an activation in evaluation mode, its learned parameters at their start.

    For a function from k channels to m, f^2 and f'^2 are the squared norms of value and Jacobian,
    divided by m: with these, the statements of :class:`Gains` hold for it too.

    Raises:
        UserError: not an activation, or one that is zero or infinite on average.
    """
    parsed = Activation.parse(activation)
    # With a function of the user's itself: a notebook may define another one of its name.
    target = dict(parsed.parameters).get("target")
    return _gains(parsed, target and own_callable("activation.target", str(target)))


@cache
def _gains(activation: Activation, _: Any) -> Gains:
    entry = activation.entry
    # A fork, since a module may draw its start values; quadrature must not disturb a run.
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        function = build(activation, channels=entry.inputs).double().eval()
        z, weight = _grid(entry.inputs)
        z.requires_grad_()
        value = function(z)
        jacobian = [
            torch.autograd.grad(value[:, j].sum(), z, retain_graph=True)[0]
            for j in range(entry.outputs)
        ]
    if value.isnan().any():
        raise UserError(f"{activation} returns NaN for some inputs between -10 and 10.")
    square = (weight * value.detach().square().mean(1)).sum().item()
    slope = sum((weight * row.square().sum(1)).sum().item() for row in jacobian) / entry.outputs
    mean = (weight * value.detach().mean(1)).sum().item()
    if not (0 < square < math.inf and 0 < slope < math.inf):
        raise UserError(
            f"{activation} has no gain: E[f(z)^2] = {square:g} and E[f'(z)^2] = {slope:g} "
            "for z ~ N(0, 1); both must be positive and finite."
        )
    return Gains(square**-0.5, slope**-0.5, mean)


def _grid(dimensions: int) -> tuple[Tensor, Tensor]:
    """Points ``[N, dimensions]`` and their probability masses ``[N]``, by the midpoint rule.

    Midpoints never fall on a kink at zero or at a round number, where a derivative is a matter of
    convention; the second axis is shifted, so that no two coordinates are equal.
    """
    count = {1: 1 << 17, 2: 1 << 10}[dimensions]
    step = 2 * _LIMIT / count
    middles = (torch.arange(count, dtype=torch.float64) + 0.5) * step - _LIMIT
    axes = [middles + step / 4 * dimension for dimension in range(dimensions)]
    points = torch.cartesian_prod(*axes).reshape(-1, dimensions)
    masses = torch.exp(-points.square() / 2) * (step / math.sqrt(2 * math.pi))
    return points, masses.prod(1)
