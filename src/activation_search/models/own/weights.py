"""A layer with weights, and where the channels of its output lie."""

from dataclasses import dataclass

from torch import nn

_CHANNELS_FIRST = (
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.instancenorm._InstanceNorm,
    nn.GroupNorm,
)
# Functions of torch that give channels first, whoever calls them.
_GIVE_CHANNELS_FIRST = ("conv", "batch_norm", "instance_norm", "group_norm")


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
        ``None`` for a scalar, and for a norm over several dimensions, which leave channels where
        they are.
    """
    shape = parameter.shape
    if parameter.numel() == 1 or (function == "layer_norm" and len(shape) > 1):
        return None
    if isinstance(module, nn.RNNBase):
        width = (module.proj_size or module.hidden_size) * (1 + module.bidirectional)
        return Weights(path, width, channels_last=True)
    outputs, last = _by_shape(parameter, function.startswith(_GIVE_CHANNELS_FIRST))
    for name in ("out_channels", "out_features", "num_features", "num_channels", "embedding_dim"):
        if isinstance(stated := getattr(module, name, None), int):
            outputs = stated
            break
    return Weights(path, outputs, last and not isinstance(module, _CHANNELS_FIRST))


def _by_shape(parameter: nn.Parameter, gives_channels_first: bool) -> tuple[int, bool]:
    """Outputs, and whether they come last."""
    shape = parameter.shape
    wide = [axis for axis, size in enumerate(shape) if size > 1]
    if gives_channels_first:
        return shape[0], False
    if len(shape) > 2 and len(wide) == 1:  # one for each channel, such as a bias [1, C, 1, 1]
        return shape[wide[0]], wide[0] == len(shape) - 1
    if len(shape) > 3:  # the kernel of a convolution, which gets something that is made of it
        return shape[wide[0]], False
    # Conv1D of Hugging Face and matrices by hand, x @ w, have their outputs last.
    return shape[-1], True
