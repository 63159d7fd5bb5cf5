"""Initial weights: the scale that the activation before them asks for."""

import math
from dataclasses import replace

import pytest
import torch

from activation_search.activations import gains
from activation_search.config.models import ModelConfig
from activation_search.data.sample import Sample
from activation_search.diagnostics.probe import preactivations
from activation_search.models.factory import build_network

from .conftest import CONFIGS, SERIES

DEEP = replace(CONFIGS["mlp"], depth=6, width=400)
WIDE = Sample("series", (100, 1))


def stds(activation: str, init: str) -> list[float]:
    network = build_network(DEEP, {"name": activation}, WIDE, 10, init)
    x = torch.randn(1000, 100, 1, generator=torch.Generator().manual_seed(3))
    return [z.std().item() for z in preactivations(network, x).values()]


@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "selu", "silu", "crelu"])
def test_gain_keeps_the_signal_at_unit_scale(activation: str) -> None:
    assert stds(activation, "gain") == pytest.approx([1.0] * 6, rel=0.15)


def test_mixed_activations_each_get_their_own_gain() -> None:
    layers = {"hidden1": "sigmoid", "hidden2": "tanh", "hidden3": "relu2"}
    network = build_network(DEEP, {"name": "relu", "layers": layers}, WIDE, 10)
    x = torch.randn(1000, 100, 1, generator=torch.Generator().manual_seed(3))
    scale = [z.std().item() for z in preactivations(network, x).values()]
    assert scale == pytest.approx([1.0] * 6, rel=0.15)
    for layer, site in (("hidden2", "sigmoid"), ("hidden3", "tanh"), ("hidden4", "relu2")):
        weight = network.layers[layer][0].weight
        expected = gains(site).forward / math.sqrt(400)
        assert weight.std().item() == pytest.approx(expected, rel=0.02)


def test_torchs_default_shrinks_the_signal() -> None:
    """Its standard deviation 1 / sqrt(3 fan_in) is 0.577 times what keeps a linear signal."""
    scale = stds("tanh", "torch")
    assert scale[0] == pytest.approx(1 / math.sqrt(3), rel=0.1)
    assert scale[-1] < 0.1


def test_he_uses_the_root_of_two_after_every_activation() -> None:
    network = build_network(DEEP, {"name": "tanh"}, WIDE, 10, "he")
    first, second = (network.layers[f"hidden{i}"][0].weight for i in (1, 2))
    assert first.std().item() == pytest.approx(1 / math.sqrt(100), rel=0.02)
    assert second.std().item() == pytest.approx(math.sqrt(2 / 400), rel=0.02)


def test_feed_forward_of_a_transformer() -> None:
    config = replace(CONFIGS["transformer"], width=128, heads=4, mlp_ratio=4.0)
    block = build_network(config, {"name": "silu"}, SERIES, 10).layers["block1_mlp"]
    assert block.fc_in.weight.std().item() == pytest.approx(1 / math.sqrt(128), rel=0.02)
    expected = gains("silu").forward / math.sqrt(512)
    assert block.fc_out.weight.std().item() == pytest.approx(expected, rel=0.02)


def test_recurrent_weights_are_orthogonal_and_the_forget_gate_open() -> None:
    network = build_network(CONFIGS["lstm"], {"name": "default"}, SERIES, 10)
    [[_, recurrent, b_ih, b_hh]] = network.layers["lstm1"].core.all_weights
    for block in recurrent.split(8):
        torch.testing.assert_close(block @ block.t(), torch.eye(8) / 3, atol=1e-5, rtol=0)
    assert (b_ih + b_hh).tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 16


def test_recurrent_blocks_follow_a_candidate_of_another_width() -> None:
    layer = build_network(CONFIGS["lstm"], {"name": "crelu"}, SERIES, 10).layers["lstm1"]
    [[_, recurrent, b_ih, _]] = layer.core.all_weights
    assert layer.rows == [8, 8, 4, 8]
    *_, output_gate = recurrent.split(layer.rows)
    torch.testing.assert_close(output_gate @ output_gate.t(), torch.eye(8) / 3, atol=1e-5, rtol=0)
    assert b_ih.tolist() == [0.0] * 8 + [1.0] * 8 + [0.0] * 12


@pytest.mark.parametrize("init", ["gain", "he", "torch"])
def test_seed_decides_and_assignments_share_draws(config: ModelConfig, init: str) -> None:
    def weights(activation: str, seed: int) -> dict[str, torch.Tensor]:
        network = build_network(config, {"name": activation}, SERIES, 10, init, seed)
        return dict(network.layers.named_parameters())

    one, again, other = weights("relu", 1), weights("relu", 1), weights("relu", 2)
    assert all(torch.equal(one[k], again[k]) for k in one)
    assert any(not torch.equal(one[k], other[k]) for k in one)
    # The same directions under another activation; their scale may differ.
    different = weights("prelu", 1)
    for name, weight in one.items():
        if weight.dim() > 1:
            ratio = different[name].norm() / weight.norm()
            torch.testing.assert_close(different[name], weight * ratio)


def test_drawing_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    build_network(CONFIGS["lstm"], {"name": "apl"}, SERIES, 10)
    assert torch.equal(torch.get_rng_state(), before)
