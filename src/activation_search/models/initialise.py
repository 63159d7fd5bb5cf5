"""Initial weights: each scaled for the activation whose output it reads.

A weight of standard deviation g / sqrt(fan_in) keeps the variance of the signal when g is the
forward gain of the activation *before* it (catalogue; He et al. 2015, arXiv:1502.01852, for ReLU).
Then every site sees pre-activations of about unit variance, which is what the gains assume.
"""

import math

import torch
from torch import nn

from activation_search.activations.moments import gains
from activation_search.models.lstm import CellWeights
from activation_search.models.network import Network
from activation_search.seeds import derive

INITS = ("gain", "he", "torch")


def initialise(network: Network, init: str, seed: int) -> None:
    """Draws all weights anew.

    Args:
        network: any of the models.
        init: ``"gain"`` for each activation's own gain, ``"he"`` for sqrt(2) after every
            activation, ``"torch"`` for torch's defaults. Weights that read the input or
            something normalised get gain 1 in the first two, biases 0, recurrent weights are
            orthogonal, and the forget gate's bias is 1 (Jozefowicz et al. 2015).
        seed: every layer draws from a stream of its own name, so that two assignments at one
            seed share the draws of all layers of the same shape.
    """
    for name, layer in network.layers.items():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, "weights", name))
            for path, module in layer.named_modules(prefix=name):
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
                if init == "torch":
                    continue
                if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                    _draw(module, _gain(network, path, init))
                elif isinstance(module, nn.LSTM | CellWeights):
                    _draw_recurrent(module)


def _gain(network: Network, path: str, init: str) -> float:
    for reader, site in network.reads.items():
        if path == reader or path.startswith(f"{reader}."):
            return math.sqrt(2) if init == "he" else gains(network.assignment[site]).forward
    return 1.0


def _draw(module: nn.Linear | nn.Conv1d | nn.Conv2d, gain: float) -> None:
    fan_in = module.weight[0].numel()
    nn.init.normal_(module.weight, std=gain / math.sqrt(fan_in))
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def _draw_recurrent(module: nn.LSTM | CellWeights) -> None:
    width = module.weight_hh_l0.shape[1]
    nn.init.normal_(module.weight_ih_l0, std=module.weight_ih_l0.shape[1] ** -0.5)
    for block in module.weight_hh_l0.data.split(width):
        nn.init.orthogonal_(block)
    nn.init.zeros_(module.bias_ih_l0)
    nn.init.zeros_(module.bias_hh_l0)
    module.bias_ih_l0.data[width : 2 * width] = 1.0
