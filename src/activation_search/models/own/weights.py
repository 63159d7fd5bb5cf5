"""A layer with weights, and where the channels of its output lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

_CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
)
# Functions of torch that give channels first, whoever calls them.
_NORMS = ("batch_norm", "instance_norm", "group_norm")
_CONVOLUTIONS = ("conv1d", "conv2d", "conv3d")
_TRANSPOSED = ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_STATED = ("out_channels", "out_features", "num_features", "num_channels", "embedding_dim")


@dataclass(frozen=True)
class Weights:
    """A layer with weights: its path, its number of outputs, and where they lie."""

    path: str
    outputs: int
    channels_last: bool


def weights_of(
    path: str, module: nn.Module, parameter: nn.Parameter, function: str
) -> Weights | None:
    """What the use of a parameter says of the channels that come out.

    Args:
        path: of the module.
        module: that the parameter belongs to.
        parameter: of a layer, or used by hand.
        function: name of torch's function that gets it.

    Returns:
        ``None`` where it says nothing, and channels lie where they lay.
    """
    if isinstance(module, nn.RNNBase):
        width = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
        return Weights(path, width, channels_last=True)
    stated = [getattr(module, name, None) for name in _STATED]
    outputs = next((value for value in stated if isinstance(value, int)), None)
    found = _by_shape(parameter, function)
    if outputs is None:
        return Weights(path, *found) if found else None
    last = found is None or found[1]
    return Weights(path, outputs, last and not isinstance(module, _CHANNELS_FIRST))


def weights_of_convolution(
    path: str, function: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Weights | None:
    """What a call of a convolution says, whatever its kernel was made of; ``None`` of others.

    Args:
        path: of the module whose parameter was used last.
        function: name of torch's function.
        args, kwargs: of the call.
    """
    kernel = kwargs.get("weight", args[1] if len(args) > 1 else None)
    if not isinstance(kernel, Tensor):
        return None
    if function in _CONVOLUTIONS:
        return Weights(path, kernel.shape[0], channels_last=False)
    if function in _TRANSPOSED:
        groups = kwargs.get("groups", args[6] if len(args) > 6 else 1)
        return Weights(path, kernel.shape[1] * groups, channels_last=False)
    return None


def _by_shape(parameter: nn.Parameter, function: str) -> tuple[int, bool] | None:
    """Outputs, and whether they come last; ``None`` for a scalar, a norm over several dimensions,
    and what may be a kernel or one value per element."""
    shape = parameter.shape
    wide = [axis for axis, size in enumerate(shape) if size > 1]
    if not wide or (function == "layer_norm" and len(shape) > 1):
        return None
    if function in _NORMS:
        return shape[0], False
    if len(shape) > 2 and len(wide) == 1:  # one for each channel, such as a bias [1, C, 1, 1]
        return shape[wide[0]], wide[0] == len(shape) - 1
    if len(shape) > 3:
        return None
    # Conv1D of Hugging Face and matrices by hand, x @ w, have their outputs last.
    return shape[-1], True
