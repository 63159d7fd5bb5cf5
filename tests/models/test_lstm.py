"""The step-by-step cell against torch's kernel, and against the equations written out."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from activation_search.activations import Activation
from activation_search.models.factory import build_network
from activation_search.models.lstm import LSTMLayer

from .conftest import CONFIGS, SERIES


def test_cell_equals_torchs_kernel_in_value_and_gradient() -> None:
    network = build_network(CONFIGS["lstm"], {"name": "default"}, SERIES, 10)
    x = torch.randn(5, 12, 2)
    assert network.is_standard("lstm1")
    results = []
    for exposed in (False, True):
        network.expose_sites(exposed)
        network.zero_grad()
        y = network(x)
        y.square().sum().backward()
        results.append((y.detach(), [p.grad.clone() for p in network.layers.parameters()]))
    (fused, fused_grad), (stepped, stepped_grad) = results
    torch.testing.assert_close(stepped, fused)
    for a, b in zip(stepped_grad, fused_grad, strict=True):
        torch.testing.assert_close(a, b)


def test_standard_layers_use_torchs_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: object) -> None:
        raise AssertionError("not torch's kernel")

    for way in ("trained", "step_by_step"):
        monkeypatch.setattr(LSTMLayer, way, forbidden)
    build_network(CONFIGS["lstm"], {"name": "default"}, SERIES, 10)(torch.randn(2, 12, 2))
    other = build_network(
        CONFIGS["lstm"], {"name": "default", "layers": {"lstm2_candidate": "relu"}}, SERIES, 10
    )
    assert other.is_standard("lstm1")
    assert not other.is_standard("lstm2")
    with pytest.raises(AssertionError, match="not torch"):
        other(torch.randn(2, 12, 2))


def test_one_unit_by_hand() -> None:
    """One hidden unit, two steps, relu as candidate and softsign as cell output."""
    layer = LSTMLayer(1, 1, Activation.parse("relu"))
    [[w_ih, w_hh, b_ih, b_hh]] = layer.core.all_weights
    with torch.no_grad():
        w_ih.copy_(torch.tensor([[0.5], [-0.4], [2.0], [0.3]]))  # input, forget, candidate, output
        w_hh.copy_(torch.tensor([[0.1], [0.2], [-1.0], [0.4]]))
        b_ih.copy_(torch.tensor([0.1, 1.0, 0.2, -0.1]))
        b_hh.zero_()
    functions = [nn.Sigmoid(), nn.Sigmoid(), nn.ReLU(), nn.Sigmoid(), nn.Softsign()]
    y = layer.step_by_step(torch.tensor([[[1.5], [-0.5]]]), functions)[0, :, 0].tolist()

    def sigmoid(v: float) -> float:
        return 1 / (1 + math.exp(-v))

    h = c = 0.0
    expected = []
    for x in (1.5, -0.5):
        i = sigmoid(0.5 * x + 0.1 * h + 0.1)
        f = sigmoid(-0.4 * x + 0.2 * h + 1.0)
        g = max(2.0 * x - 1.0 * h + 0.2, 0.0)
        o = sigmoid(0.3 * x + 0.4 * h - 0.1)
        c = f * c + i * g
        h = o * c / (1 + abs(c))
        expected.append(h)
    assert y == pytest.approx(expected, rel=1e-6)


def test_a_gated_candidate_widens_its_own_rows_only() -> None:
    network = build_network(CONFIGS["lstm"], {"name": "swiglu"}, SERIES, 10)
    assert network.layers["lstm1"].rows == [8, 8, 16, 8]
    assert str(network.assignment["lstm1_cell_output"]) == "tanh"


def test_pooling() -> None:
    network = build_network(replace(CONFIGS["lstm"], pool="last"), {"name": "default"}, SERIES, 10)
    x = torch.randn(2, 12, 2)
    features = network.layers["lstm2"].fused(network.layers["lstm1"].fused(x))
    torch.testing.assert_close(network(x), network.layers["head"](features[:, -1]))
