"""Gradient readings against norms taken one parameter at a time."""

import pytest
import torch

from activation_search.config.models import ModelConfig
from activation_search.diagnostics.gradients import copy_weights, read_gradients, update_ratios
from activation_search.models.factory import build_network

from ..models.conftest import CONFIGS, SERIES


@pytest.mark.parametrize("activation", ["default", "prelu"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_norms_of_every_layer(config: ModelConfig, activation: str) -> None:
    network = build_network(config, {"name": activation}, SERIES, 3)
    network(torch.randn(8, 12, 2)).square().sum().backward()
    reading = read_gradients(network)
    assert list(reading.layers) == list(network.layers)
    assert (reading.first, reading.last) == (next(iter(network.layers)), "head")
    for name, layer in network.layers.items():
        flat = torch.cat([p.grad.flatten() for p in layer.parameters()])
        assert reading.layers[name].norm == pytest.approx(flat.norm().item(), rel=1e-5)
        assert reading.layers[name].mean_abs == pytest.approx(flat.abs().mean().item(), rel=1e-5)
    # The activations' own parameters count in the total.
    every = torch.cat([p.grad.flatten() for p in network.parameters()])
    assert reading.total == pytest.approx(every.norm().item(), rel=1e-5)
    assert reading.norms["total"] == reading.total


def test_update_ratios() -> None:
    network = build_network(CONFIGS["mlp"], {"name": "relu"}, SERIES, 3)
    network(torch.randn(8, 12, 2)).sum().backward()
    before = copy_weights(network)
    with torch.no_grad():
        for parameter in network.layers["head"].parameters():
            parameter *= 1.01
    ratios = update_ratios(network, before)
    assert ratios["head"] == pytest.approx(0.01, rel=1e-3)
    assert ratios["hidden1"] == 0
