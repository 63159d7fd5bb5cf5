"""The health of every site: units that pass no gradient, units that say nothing, and scale."""

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from activation_search.diagnostics.probe import evaluating, preactivations
from activation_search.models.network import Network

DEAD_SLOPE = 1e-6
DORMANT_SHARE = 0.025  # tau of Sokar et al. 2023
FLAT_SHARE = 1e-3  # of the largest slope on [-3, 3]
SATURATED_POSITIONS = 0.95
FAR = 30.0  # where a function that saturates on both sides is flat


@dataclass(frozen=True)
class SiteHealth:
    """Of one site, over a probe batch; z is what its activation f reads, h = f(z).

    A unit is a channel of z; its positions are samples and places in time or space.

    dead: share of units with |f'(z)| < 1e-6 at every position.
    dormant: share of units of h with E|h| at most 0.025 of the mean over units (Sokar et al. 2023,
        arXiv:2302.12902).
    saturated: share of units with |f'(z)| below a thousandth of its largest value on [-3, 3], and
        |z| > 1, at more than 95% of positions, that are not dead. Only a function that is flat far
        out on both sides saturates; the flat side of ReLU is where it is meant to be inactive. 0
        for functions that mix channels, where f' has no single meaning.
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
    rows = {}
    for site, z in preactivations(network, x).items():
        mixes = network.assignment[site].entry.family == "gated"
        activation, (_, channel_dim) = network.activations[site], network.layouts[site]
        rows[site] = _measure(activation, z, channel_dim, can_saturate=not mixes)
    # One transfer from the device for all of them.
    values = torch.stack(list(rows.values())).tolist()
    return {site: SiteHealth(*row) for site, row in zip(rows, values, strict=True)}


def value_and_slope(activation: nn.Module, z: Tensor) -> tuple[Tensor, Tensor]:
    """f(z) and, for each element of z, the derivative of the sum of all outputs: f'(z) where f is
    element-wise. By autograd, so that every function is treated alike."""
    z = z.detach().requires_grad_()
    with evaluating(activation), torch.enable_grad():
        h = activation(z)
        slope = torch.autograd.grad(h.sum(), z, allow_unused=True)[0] if h.requires_grad else None
    return h.detach(), torch.zeros_like(z) if slope is None else slope


def _measure(activation: nn.Module, z: Tensor, channel_dim: int, can_saturate: bool) -> Tensor:
    # In float32 at least: in half precision a slope of 1e-6 cannot be told from others.
    z = z if z.dtype == torch.float64 else z.float()
    h, slope = value_and_slope(activation, z)
    z, h, slope = (_by_unit(t, channel_dim) for t in (z, h, slope.abs()))
    dead = slope.amax(0) < DEAD_SLOPE
    size = h.abs().mean(0)
    dormant = size <= DORMANT_SHARE * size.mean()
    saturated = torch.zeros_like(dead)
    if can_saturate:
        steepest, flat = _limits(activation, z, channel_dim)
        positions = (slope < FLAT_SHARE * steepest) & (z.abs() > 1)
        saturated = (positions.float().mean(0) > SATURATED_POSITIONS) & flat & ~dead
    shares = [units.float().mean() for units in (dead, dormant, saturated)]
    return torch.stack([*shares, z.mean(), z.std(), h.mean(), h.std()])


def _by_unit(t: Tensor, channel_dim: int) -> Tensor:
    """``[positions, units]``."""
    return t.movedim(channel_dim, -1).flatten(0, -2)


def _limits(activation: nn.Module, z: Tensor, channel_dim: int) -> tuple[Tensor, Tensor]:
    """Per unit: the largest slope on [-3, 3], and whether f is flat far out on both sides."""
    units = z.shape[1]
    grid = torch.cat([torch.linspace(-3, 3, 61), torch.tensor([-FAR, FAR])]).to(z)
    grid = grid[:, None].expand(-1, units)  # points, units
    if channel_dim == -1:
        grid = grid[None]
    slope = _by_unit(value_and_slope(activation, grid)[1].abs(), channel_dim)
    steepest = slope[:-2].amax(0)
    return steepest, slope[-2:].amax(0) < FLAT_SHARE * steepest
