"""Activation functions as torch offers them, and the catalogue's names for them."""

import inspect
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# How a call is named -> the function out of place, and the same under its other names.
_SPELLINGS: dict[str, tuple[Callable[..., Tensor], ...]] = {
    "relu": (F.relu, F.relu_, torch.relu, torch.relu_, Tensor.relu, Tensor.relu_),
    "relu6": (F.relu6,),
    "leaky_relu": (F.leaky_relu, F.leaky_relu_),
    "prelu": (F.prelu, torch.prelu, Tensor.prelu),
    "rrelu": (F.rrelu, F.rrelu_, torch.rrelu, torch.rrelu_),
    "elu": (F.elu, F.elu_),
    "celu": (F.celu, F.celu_, torch.celu, torch.celu_),
    "selu": (F.selu, F.selu_, torch.selu, torch.selu_),
    "gelu": (F.gelu,),
    "silu": (F.silu,),
    "mish": (F.mish,),
    "hardswish": (F.hardswish,),
    "hardtanh": (F.hardtanh, F.hardtanh_),
    "hardsigmoid": (F.hardsigmoid,),
    "softplus": (F.softplus,),
    "softsign": (F.softsign,),
    "tanhshrink": (F.tanhshrink,),
    "softshrink": (F.softshrink,),
    "hardshrink": (F.hardshrink, torch.hardshrink),
    "logsigmoid": (F.logsigmoid,),
    "threshold": (F.threshold, torch.threshold, torch.threshold_),
    "tanh": (torch.tanh, torch.tanh_, F.tanh, Tensor.tanh, Tensor.tanh_),
    "sigmoid": (torch.sigmoid, torch.sigmoid_, F.sigmoid, Tensor.sigmoid, Tensor.sigmoid_,
                torch.special.expit),
}  # fmt: skip
# Function -> how a call of it is named.
CALLS: dict[Any, str] = {f: name for name, spelled in _SPELLINGS.items() for f in spelled}
OUT_OF_PLACE: dict[str, Callable[..., Tensor]] = {n: fs[0] for n, fs in _SPELLINGS.items()}
# What ends in probabilities; torch's functions and the tensor's methods.
PROBABILITIES = {F.softmax, torch.softmax, Tensor.softmax, F.log_softmax, torch.log_softmax,
                 Tensor.log_softmax}  # fmt: skip

MODULES: dict[type[nn.Module], str] = {
    nn.ReLU: "relu", nn.ReLU6: "relu6", nn.LeakyReLU: "leaky_relu", nn.PReLU: "prelu",
    nn.RReLU: "rrelu", nn.ELU: "elu", nn.CELU: "celu", nn.SELU: "selu", nn.GELU: "gelu",
    nn.SiLU: "silu", nn.Mish: "mish", nn.Hardswish: "hardswish", nn.Hardtanh: "hardtanh",
    nn.Hardsigmoid: "hardsigmoid", nn.Softplus: "softplus", nn.Softsign: "softsign",
    nn.Tanhshrink: "tanhshrink", nn.Softshrink: "softshrink", nn.Hardshrink: "hardshrink",
    nn.LogSigmoid: "logsigmoid", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid",
    nn.Threshold: "threshold",
}  # fmt: skip


def split_call(
    name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[Tensor, "Arguments"] | None:
    """The input of a call and its further arguments out of place; ``None`` where it has no input.

    Args:
        name: how the call is named.
        args, kwargs: as in the user's code, the input first or as ``input=``.
    """
    further = {key: value for key, value in kwargs.items() if key not in ("inplace", "input")}
    x, rest = (args[0], args[1:]) if args else (kwargs.get("input"), ())
    if not isinstance(x, Tensor):
        return None
    place = _place_of_inplace(name)
    return x, (tuple(a for i, a in enumerate(rest, start=1) if i != place), further)


Arguments = tuple[tuple[Any, ...], dict[str, Any]]


@cache
def _place_of_inplace(name: str) -> int:
    try:
        return list(inspect.signature(OUT_OF_PLACE[name]).parameters).index("inplace")
    except ValueError:  # it has none, or is a function of C
        return -1


class Call(nn.Module):
    """A function as it was called in the user's code, out of place, with its further arguments."""

    def __init__(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]):
        super().__init__()
        self.name = name
        self.args, self.kwargs = args, dict(kwargs)
        # Such as the weights of a prelu: here they only move to the device with everything else.
        for key, value in [*enumerate(args), *kwargs.items()]:
            if isinstance(value, Tensor):
                self.register_buffer(f"held_{key}", value.detach().clone(), persistent=False)

    def forward(self, x: Tensor, given: Arguments | None = None) -> Tensor:
        """The function of ``x``.

        Args:
            x: input.
            given: further arguments of this call; by default those of the first call seen.
        """
        if given is None:
            held = self._buffers
            args = [held.get(f"held_{i}", value) for i, value in enumerate(self.args)]
            kwargs = {key: held.get(f"held_{key}", value) for key, value in self.kwargs.items()}
        else:
            args, kwargs = list(given[0]), given[1]
        return OUT_OF_PLACE[self.name](x, *args, **kwargs)

    def extra_repr(self) -> str:
        return self.name
