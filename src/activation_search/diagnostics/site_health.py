"""The health of every site: units that pass no gradient, units that say nothing, and scale."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from activation_search.diagnostics.probe import evaluating, own_random_numbers, preactivations
from activation_search.models.network import Network

F32 = torch.float32
DEAD_SLOPE = 1e-6
DORMANT_SHARE = 0.025  # tau of Sokar et al. 2023
FLAT_SHARE = 1e-3  # of the largest slope on [-3, 3]
SATURATED_POSITIONS = 0.95
FAR = 1000.0  # where a function that saturates on both sides is flat, softsign too


@dataclass(frozen=True)
class SiteHealth:
    """Of one site, over a probe batch; z is what its activation f reads, h = f(z).

    A unit is a channel of z; its positions are samples and places in time or space.

    dead: share of units with |f'(z)| < 1e-6 at every position.
    dormant: share of units of h with E|h| at most 0.025 of the mean over units (Sokar et al. 2023,
        arXiv:2302.12902).
    saturated: share of units with |f'(z)| below a thousandth of its largest value on [-3, 3],
        |z| > 1 and f(z) not 0, at more than 95% of positions. Only a function that is flat far out
        on both sides saturates; where ReLU or ReLU6 is 0 it is meant to be inactive. 0 for
        functions that mix channels, where f' has no single meaning.
    z_mean, z_std, h_mean, h_std: over all units and positions.
    """

    dead: float
    dormant: float
    saturated: float
    z_mean: float
    z_std: float
    h_mean: float
    h_std: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


def read_sites(network: Network, x: Tensor) -> dict[str, SiteHealth]:
    """The health of every site for the samples ``x``, in evaluation mode; changes nothing."""
    return measure_sites(network, preactivations(network, x))


def measure_sites(network: Network, seen: Mapping[str, Tensor]) -> dict[str, SiteHealth]:
    """The health of every site from its pre-activations, see
    :func:`activation_search.diagnostics.probe.preactivations`."""
    if not seen:  # sites of a user's model that act in training alone
        return {}
    rows = {}
    with own_random_numbers(next(iter(seen.values())).device):
        for site, z in seen.items():
            mixes = network.assignment[site].entry.family == "gated"
            activation, (_, channel_dim) = network.activations[site], network.layouts[site]
            rows[site] = _measure(activation, z, channel_dim, can_saturate=not mixes)
    # One transfer from the device for all of them.
    values = torch.stack(list(rows.values())).tolist()
    return {site: SiteHealth(*row) for site, row in zip(rows, values, strict=True)}


def value_and_slope(activation: nn.Module, z: Tensor, channel_dim: int) -> tuple[Tensor, Tensor]:
    """f(z) and, for each element of z, f'(z) where f is element-wise.

    By autograd, so that every function is treated alike: the derivative of a sum of outputs, whose
    weights 1 and 2 in turn are divided out again. With equal weights the gradient of a function
    whose outputs have a constant sum, such as softmax, would be zero.
    """
    z = z.detach().requires_grad_()
    with evaluating(activation), torch.enable_grad():
        h = activation(z)
        if not h.requires_grad:
            return h, torch.zeros_like(z)
        if h.shape != z.shape:  # it joins channels
            return h.detach(), torch.autograd.grad(h.sum(), z)[0]
        weights = (torch.arange(h.shape[channel_dim], device=h.device) % 2 + 1).to(h.dtype)
        shape = [1] * h.dim()
        shape[channel_dim] = -1
        weights = weights.view(shape)
        slope = torch.autograd.grad((h * weights).sum(), z, allow_unused=True)[0]
    return h.detach(), torch.zeros_like(z) if slope is None else slope / weights


def _measure(activation: nn.Module, z: Tensor, channel_dim: int, can_saturate: bool) -> Tensor:
    # In float32 where the function allows: in half precision small slopes are rounded away.
    learned = next(activation.parameters(), None)
    z = z.to(learned.dtype) if learned is not None else z.to(torch.promote_types(z.dtype, F32))
    h, slope = value_and_slope(activation, z, channel_dim)
    z, h, slope = (t.to(torch.promote_types(t.dtype, F32)) for t in (z, h, slope))
    # One copy with the units last; torch reduces over several separate dimensions ten times slower.
    z, h, slope = (t.movedim(channel_dim, -1).reshape(-1, t.shape[channel_dim])
                   for t in (z, h, slope.abs()))  # fmt: skip
    dead = slope.amax(0) < DEAD_SLOPE
    size = h.abs().mean(0)
    dormant = size <= DORMANT_SHARE * size.mean()
    saturated = torch.zeros_like(dead)
    if can_saturate:
        steepest, flat = _limits(activation, z, channel_dim)
        if flat.any():
            positions = (slope < FLAT_SHARE * steepest) & (z.abs() > 1) & (h != 0)
            saturated = (positions.sum(0) > SATURATED_POSITIONS * len(z)) & flat
    shares = [units.float().mean() for units in (dead, dormant, saturated)]
    return torch.stack([*shares, *_mean_and_std(z), *_mean_and_std(h)])


def _mean_and_std(t: Tensor) -> tuple[Tensor, Tensor]:
    # On a CPU a fifth of the time of torch.std_mean.
    mean = t.mean()
    return mean, (t - mean).square().mean().sqrt()


def _limits(activation: nn.Module, z: Tensor, channel_dim: int) -> tuple[Tensor, Tensor]:
    """Per unit of ``z`` ``[positions, units]``: the largest slope on [-3, 3], and whether f is flat
    far out on both sides."""
    grid = torch.cat([torch.linspace(-3, 3, 61), torch.tensor([-FAR, FAR])]).to(z)
    grid = grid[:, None].expand(-1, z.shape[1]).contiguous()  # points, units
    if channel_dim == -1:
        grid = grid[None]
    learned = next(activation.parameters(), grid)
    slope = value_and_slope(activation, grid.to(learned.dtype), channel_dim)[1]
    slope = slope.abs().flatten(0, -2)
    steepest = slope[:-2].amax(0)
    return steepest, slope[-2:].amax(0) < FLAT_SHARE * steepest
