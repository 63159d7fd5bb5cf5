"""The curve of an activation as it stands."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.activations.factory import build


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


def learned_curve(activation: Activation, learned: Mapping[str, Sequence], x: Tensor) -> Tensor:
    """The curve of an activation with what it has learned, as a run's result states it.

    Args:
        activation: a function of single channels.
        learned: names of its learned tensors -> their values; empty for none.
        x: points ``[N]``.

    Returns:
        ``[N, channels]``, see :func:`curve`.
    """
    state = {name: torch.tensor(values) for name, values in learned.items()}
    channels = max((t.shape[-1] if t.dim() else 1 for t in state.values()), default=1)
    module = build(activation, channels=channels, channel_dim=-1).eval()
    module.load_state_dict(state, strict=False)
    return curve(module, x, channels, channel_dim=-1)
