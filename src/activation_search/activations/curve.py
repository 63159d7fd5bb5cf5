"""The curve of an activation as it stands."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def curve(activation: nn.Module, x: Tensor, channels: int, channel_dim: int) -> Tensor:
    """Values of a function of single channels, each channel over the same points.

    Args:
        activation: in evaluation mode.
        x: points ``[N]``, on the module's device.
        channels, channel_dim: as the activation was built, see
            :func:`activation_search.activations.build`.

    Returns:
        ``[N, channels]`` on the CPU; one column where all channels are equal.
    """
    points = x[None, :, None].repeat(1, 1, channels)  # 1, N, C
    if channel_dim == 1:
        y = activation(points.transpose(1, 2)).transpose(1, 2)
    else:
        y = activation(points)
    y = y[0].float().cpu()
    return y[:, :1] if (y == y[:, :1]).all() else y
