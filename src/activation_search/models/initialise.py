"""Initial weights: each scaled for the activation whose output it reads.

A weight of standard deviation g / sqrt(fan_in) keeps the variance of the signal when g is the
forward gain of the activation *before* it (catalogue; He et al. 2015, arXiv:1502.01852, for ReLU).
Then every site sees pre-activations of about unit variance, which is what the gains assume. An
LSTM's cell has no such scale, it sums over time: its weights are drawn alike for all activations.
"""

import math

import torch
from torch import nn

from activation_search.activations.moments import gains
from activation_search.models.lstm import LSTMLayer
from activation_search.models.network import Network
from activation_search.seeds import derive

# Orthogonal recurrent weights of the size that torch's default has, 1 / sqrt(3). At gain 1 an LSTM
# with an unbounded cell output, such as relu, explodes within 40 steps.
RECURRENT_GAIN = 3**-0.5


def initialise(network: Network, init: str, seed: int) -> None:
    """Draws all weights anew.

    Args:
        network: any of the models.
        init: ``"gain"`` for each activation's own gain, ``"he"`` for sqrt(2) after every
            activation, ``"torch"`` for torch's defaults. In the first two, weights that read
            the input or something normalised get gain 1, biases are 0, recurrent weights
            orthogonal, and the forget gate's bias is 1 (Jozefowicz et al. 2015).
        seed: every layer draws from a stream of its own name, so that two assignments at one
            seed share the draws of all layers of the same shape.
    """
    if init == "own":  # as the model's constructor drew them
        return
    for name, layer in network.layers.items():
        with torch.random.fork_rng(devices=[]):
            # The CPU's generator alone: torch.manual_seed would reseed a GPU's too.
            torch.default_generator.manual_seed(derive(seed, "weights", name))
            recurrent: list[LSTMLayer] = []
            for path, module in layer.named_modules(prefix=name):
                if hasattr(module, "reset_parameters"):
                    module.reset_parameters()
                if init == "torch":
                    continue
                if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d):
                    _draw(module, _gain(network, path, init))
                elif isinstance(module, LSTMLayer):
                    recurrent.append(module)
            for lstm in recurrent:  # once the weights inside have had their reset
                _draw_recurrent(lstm)


def _gain(network: Network, path: str, init: str) -> float:
    for reader, site in network.scaled_by.items():
        if path == reader or path.startswith(f"{reader}."):
            return math.sqrt(2) if init == "he" else gains(network.assignment[site]).forward
    return 1.0


def _draw(module: nn.Linear | nn.Conv1d | nn.Conv2d, gain: float) -> None:
    fan_in = module.weight[0].numel()
    nn.init.normal_(module.weight, std=gain / math.sqrt(fan_in))
    if module.bias is not None:
        nn.init.zeros_(module.bias)


def _draw_recurrent(layer: LSTMLayer) -> None:
    [[weight_ih, weight_hh, bias_ih, bias_hh]] = layer.core.all_weights
    nn.init.normal_(weight_ih, std=weight_ih.shape[1] ** -0.5)
    for block in weight_hh.data.split(layer.rows):
        nn.init.orthogonal_(block, RECURRENT_GAIN)
    nn.init.zeros_(bias_ih)
    nn.init.zeros_(bias_hh)
    bias_ih.data.split(layer.rows)[1].fill_(1.0)
