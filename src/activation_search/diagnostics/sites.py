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
            positions = (slope < FLAT_SHARE * steepest) & (z.abs() > 1)
            saturated = (positions.sum(0) > SATURATED_POSITIONS * len(z)) & flat & ~dead
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
    slope = value_and_slope(activation, grid)[1].abs().flatten(0, -2)
    steepest = slope[:-2].amax(0)
    return steepest, slope[-2:].amax(0) < FLAT_SHARE * steepest
