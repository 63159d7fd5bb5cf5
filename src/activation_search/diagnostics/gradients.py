"""Gradients per layer, and how far one step moves the weights."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from activation_search.models.network import Network


@dataclass(frozen=True)
class LayerGradient:
    """norm: Euclidean, of all parameters of the layer. mean_abs: mean |g| over them."""

    norm: float
    mean_abs: float


@dataclass(frozen=True)
class GradientReading:
    """total: norm over all parameters of the model. layers: in the order a sample passes them."""

    total: float
    layers: dict[str, LayerGradient]

    @property
    def first(self) -> str:
        """The layer that a sample passes first."""
        return next(iter(self.layers))

    @property
    def last(self) -> str:
        """The output layer."""
        return next(reversed(self.layers))

    @property
    def norms(self) -> dict[str, float]:
        """``total``, then layer -> norm."""
        return {"total": self.total} | {name: g.norm for name, g in self.layers.items()}


def layer_gradients(network: Network) -> dict[str, list[Tensor]]:
    """Layer -> gradients of its weights, for layers that have any."""
    found = {name: _gradients(layer) for name, layer in network.layers.items()}
    return {name: gradients for name, gradients in found.items() if gradients}


def read_gradients(network: Network) -> GradientReading:
    """Norms of the gradients as they are now."""
    layers = layer_gradients(network)
    in_layers = [g for gradients in layers.values() for g in gradients]
    known = {id(g) for g in in_layers}
    every = in_layers + [g for g in _gradients(network) if id(g) not in known]
    # Two calls and one transfer from the device for all of them.
    figures = torch.stack([*torch._foreach_norm(every, 2), *torch._foreach_norm(every, 1)])
    euclidean, absolute = figures.view(2, -1).tolist()
    found, start = {}, 0
    for name, gradients in layers.items():
        part = slice(start, start + len(gradients))
        count = sum(g.numel() for g in gradients)
        found[name] = LayerGradient(math.hypot(*euclidean[part]), sum(absolute[part]) / count)
        start = part.stop
    return GradientReading(math.hypot(*euclidean), found)


def copy_weights(network: Network) -> dict[str, list[Tensor]]:
    """Layer -> its trained parameters as they are now."""
    return {
        name: [p.detach().clone() for p in layer.parameters() if p.grad is not None]
        for name, layer in network.layers.items()
    }


def update_ratios(network: Network, before: dict[str, list[Tensor]]) -> dict[str, float]:
    """Layer -> norm of what changed since ``before``, over the norm of what was; about 1e-3 is
    healthy."""
    ratios = {}
    for name, old in before.items():
        if old:
            now = [p.detach() for p in network.layers[name].parameters() if p.grad is not None]
            moved = torch._foreach_sub(now, old)
            ratios[name] = get_total_norm(moved) / get_total_norm(old)
    figures = torch.stack(list(ratios.values())).tolist() if ratios else []  # all are frozen
    return dict(zip(ratios, figures, strict=True))


def _gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad for p in module.parameters() if p.grad is not None]
