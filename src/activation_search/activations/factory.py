"""From an activation to a fresh torch module.

python -c "from activation_search.activations import build; print(build('prelu', channels=8))"
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.activations.element import Element
from activation_search.activations.learnable import Learnable
from activation_search.errors import UserError
from activation_search.user_code import find, own_callable


class Function(Element):
    """A function of a tensor as a module, with its parameters fixed."""

    def __init__(
        self, function: Callable[..., Tensor], parameters: Mapping[str, Any], widens: bool = True
    ):
        super().__init__(widens)
        self.function = function
        self.parameters_of_function = dict(parameters)

    def compute(self, x: Tensor) -> Tensor:
        return self.function(x, **self.parameters_of_function)

    def extra_repr(self) -> str:
        settings = [f"{key}={value}" for key, value in self.parameters_of_function.items()]
        return ", ".join([getattr(self.function, "__name__", str(self.function)), *settings])


def build(
    activation: str | Mapping[str, object] | Activation,
    *,
    channels: int = 1,
    channel_dim: int = 1,
    **parameters: object,
) -> nn.Module:
    """A fresh module; two calls never share a learned parameter.

    Args:
        activation: name, mapping with a name, or :class:`Activation`.
        channels: channels of its input; learned parameters per channel have this length.
        channel_dim: where they lie: 1 for ``[B, C, ...]``, -1 for ``[B, T, C]``.
        **parameters: the activation's own, such as ``negative_slope=0.2``.

    Raises:
        UserError: unknown name or parameter, value out of range, a width that the function
            cannot take, or a custom function that cannot be used.
    """
    if parameters:
        base = activation if isinstance(activation, Mapping) else {"name": str(activation)}
        activation = {**base, **parameters}
    chosen = Activation.parse(activation)
    entry = chosen.entry
    if channels > 1 and channels % entry.inputs:
        raise UserError(
            f"{entry.name} takes channels {entry.inputs} at a time and cannot read {channels}."
        )
    settings: dict[str, Any] = {key: p.default for key, p in entry.parameters.items()}
    settings.update(chosen.parameters)
    if not entry.target:
        return _build_custom(settings, channels, channel_dim)
    # torch's kernels that the catalogue names directly take halves to float32 inside.
    widens = not entry.target.startswith("torch.")
    return _instantiate(find(entry.target), settings, channels, channel_dim, widens)


def _instantiate(
    target: Any, settings: dict[str, Any], channels: int, channel_dim: int, widens: bool = False
) -> nn.Module:
    if not inspect.isclass(target):
        return Function(target, settings, widens)
    module: Any = target
    layout = {"channels": channels, "channel_dim": channel_dim}
    if not issubclass(module, Learnable):  # which takes both through its base
        accepted = inspect.signature(target).parameters
        layout = {key: value for key, value in layout.items() if key in accepted}
    return module(**settings, **layout)


def _build_custom(settings: dict[str, Any], channels: int, channel_dim: int) -> nn.Module:
    """The user's function or module class, tried once on a small batch."""
    path = settings.pop("target")
    target = own_callable("activation.target", path)
    try:
        module = _instantiate(target, settings, channels, channel_dim)
        sample = torch.linspace(-2, 2, 6 * channels).view(2, 3, channels)
        sample = sample.transpose(1, 2) if channel_dim == 1 else sample
        # A function itself, since its module would give the result the input's type.
        call = module.compute if isinstance(module, Function) else module
        result = call(sample.requires_grad_())
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise UserError(f"activation.target={path} failed on a small batch: {error}") from error
    if not isinstance(result, Tensor) or result.shape != sample.shape:
        what = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise UserError(
            f"activation.target={path} must return a tensor of its input's shape "
            f"{tuple(sample.shape)}, not {what}."
        )
    if result.dtype != sample.dtype:
        raise UserError(
            f"activation.target={path} must return a tensor of its input's type "
            f"{_dtype(sample)}, not {_dtype(result)}."
        )
    if not result.requires_grad:
        raise UserError(f"activation.target={path} has no derivative: nothing could be trained.")
    return module


def _dtype(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")
