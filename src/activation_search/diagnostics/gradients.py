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


def _trained(network: Network) -> dict[str, list[nn.Parameter]]:
    """Layer -> its parameters that have gradients. Of a user's model a block may be a layer, for a
    parameter of its own, and hold others: then that parameter alone is its. Tied weights are of all
    layers that have them."""
    found = {
        name: [p for p in layer.parameters() if p.grad is not None]
        for name, layer in network.layers.items()
    }
    if sum(map(len, found.values())) == len({id(p) for own in found.values() for p in own}):
        return found
    for name, layer in network.layers.items():
        within = set(layer.modules()) - {layer}
        if not within.isdisjoint(network.layers.values()):
            found[name] = [p for p in layer.parameters(recurse=False) if p.grad is not None]
    return found


def layer_gradients(network: Network) -> dict[str, list[Tensor]]:
    """Layer -> gradients of its weights, for layers that have any."""
    return {
        name: [p.grad for p in own if p.grad is not None]
        for name, own in _trained(network).items()
        if own
    }


def read_gradients(network: Network) -> GradientReading:
    """Norms of the gradients as they are now."""
    every = {id(p): p.grad for p in network.parameters() if p.grad is not None}
    gradients = list(every.values())
    # Two calls and one transfer from the device for all of them.
    figures = torch.stack([*torch._foreach_norm(gradients, 2), *torch._foreach_norm(gradients, 1)])
    norms, sums = figures.view(2, -1).tolist()
    euclidean, absolute = dict(zip(every, norms, strict=True)), dict(zip(every, sums, strict=True))
    found = {}
    for name, own in _trained(network).items():
        if own:
            count = sum(p.numel() for p in own)
            norm = math.hypot(*(euclidean[id(p)] for p in own))
            found[name] = LayerGradient(norm, sum(absolute[id(p)] for p in own) / count)
    return GradientReading(math.hypot(*euclidean.values()), found)


def copy_weights(network: Network) -> dict[str, list[Tensor]]:
    """Layer -> its trained parameters as they are now."""
    return {name: [p.detach().clone() for p in own] for name, own in _trained(network).items()}


def update_ratios(network: Network, before: dict[str, list[Tensor]]) -> dict[str, float]:
    """Layer -> norm of what changed since ``before``, over the norm of what was; about 1e-3 is
    healthy."""
    ratios = {}
    trained = _trained(network)
    for name, old in before.items():
        if old:
            now = [p.detach() for p in trained[name]]
            moved = torch._foreach_sub(now, old)
            ratios[name] = get_total_norm(moved) / get_total_norm(old)
    figures = torch.stack(list(ratios.values())).tolist() if ratios else []  # all are frozen
    return dict(zip(ratios, figures, strict=True))
