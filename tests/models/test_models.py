"""What all models share: shapes, sites, widths, gradients to every parameter."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from activation_search.activations import ENTRIES
from activation_search.config.models import BUILT_IN, CNNConfig, ModelConfig, TransformerConfig
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.factory import build_network

from .conftest import CONFIGS, IMAGE, SERIES

SITES = {
    "mlp": ["hidden1", "hidden2"],
    "cnn": ["conv1", "conv2", "fc1"],
    "lstm": [
        f"lstm{i}_{part}"
        for i in (1, 2)
        for part in ("input_gate", "forget_gate", "candidate", "output_gate", "cell_output")
    ],
    "transformer": ["block1_mlp", "block2_mlp"],
}
# They grow like a square; an LSTM feeds that back at every step, and it may overflow.
SQUARES = {"relu2", "star_relu", "xielu"}
OWN = {"mlp": "relu", "cnn": "relu", "transformer": "gelu"}


def test_site_names_and_defaults(config: ModelConfig, sample: Sample) -> None:
    network = build_network(config, {"name": "default"}, sample, 10)
    assert list(network.assignment) == SITES[config.name]
    assert list(network.activations) == SITES[config.name]
    chosen = [str(a) for a in network.assignment.values()]
    if config.name == "lstm":
        assert chosen == ["sigmoid", "sigmoid", "tanh", "sigmoid", "tanh"] * 2
    else:
        assert set(chosen) == {OWN[config.name]}


@pytest.mark.parametrize("activation", [n for n, e in ENTRIES.items() if not e.open_parameters])
def test_every_activation_fits_every_model(config: ModelConfig, activation: str) -> None:
    torch.manual_seed(0)
    for sample in (SERIES, IMAGE):
        network = build_network(config, {"name": activation}, sample, 10)
        outputs = network(torch.randn(4, *sample.shape))
        assert outputs.shape == (4, 10)
        if config.name == "lstm" and activation in SQUARES:
            continue
        assert outputs.isfinite().all()
        outputs.square().sum().backward()
        assert all(p.grad is not None for p in network.parameters())


def test_no_two_sites_share_a_module(config: ModelConfig) -> None:
    network = build_network(config, {"name": "prelu"}, SERIES, 10)
    modules = list(network.activations.values())
    assert len({id(m) for m in modules}) == len(modules)
    parameters = [p for m in modules for p in m.parameters()]
    assert len({id(p) for p in parameters}) == len(parameters)


def test_exposing_sites_changes_no_number(config: ModelConfig, sample: Sample) -> None:
    network = build_network(config, {"name": "default"}, sample, 10).eval()
    x = torch.randn(4, *sample.shape)
    expected = network(x)
    network.expose_sites(True)
    torch.testing.assert_close(network(x), expected)


def test_every_weight_layer_is_named(config: ModelConfig, sample: Sample) -> None:
    """All parameters lie in a layer, an activation, or a normalisation between layers."""
    network = build_network(config, {"name": "prelu"}, sample, 10)
    outside = [
        name
        for name, p in network.named_parameters()
        if p.dim() > 1 and not name.startswith("layers.")
    ]
    assert outside == []
    assert set(network.scaled_by.values()) <= set(network.activations)


@pytest.mark.parametrize("name", ["mlp", "cnn"])
def test_residual_path_carries_the_signal(name: str) -> None:
    """With zero weights in every layer but the first and the last, a residual model still passes
    its first layer's features on; a plain one passes nothing."""
    for residual in (False, True):
        config = replace(CONFIGS[name], depth=3, residual=residual, norm="none")
        if isinstance(config, CNNConfig):
            config = replace(config, fc_depth=0)
        network = build_network(config, {"name": "relu"}, SERIES, 4)
        kind = "hidden" if name == "mlp" else "conv"
        for i in (2, 3):
            for parameter in network.layers[f"{kind}{i}"].parameters():
                nn.init.zeros_(parameter)
        nn.init.zeros_(network.layers["head"].bias)
        assert network(torch.randn(5, 12, 2)).any().item() == residual


def test_dropout_acts_in_training_only(config: ModelConfig) -> None:
    network = build_network(replace(config, dropout=0.5), {"name": "default"}, SERIES, 10)
    x = torch.randn(3, 12, 2)
    assert not torch.equal(network(x), network(x))
    network.eval()
    assert torch.equal(network(x), network(x))


def test_published_parameter_counts() -> None:
    """5,210 and 15,210 parameters are those of the MNIST-1D paper's CNN and MLP."""
    sample = Sample("series", (40, 1))
    cnn = replace(CONFIGS["cnn"], depth=3, width=25, norm="none", fc_depth=0)
    mlp = replace(CONFIGS["mlp"], width=100)
    for config, count in ((cnn, 5210), (mlp, 15210)):
        network = build_network(config, {"name": "default"}, sample, 10)
        assert sum(p.numel() for p in network.parameters()) == count


def test_gated_mlp_has_the_parameters_of_an_ungated_one() -> None:
    """Hidden width times 2/3, rounded to a multiple of eight (Shazeer 2020)."""
    config = replace(CONFIGS["transformer"], width=48, heads=2, mlp_ratio=4.0)
    counts = {}
    for name in ("gelu", "swiglu", "crelu"):
        network = build_network(config, {"name": name}, SERIES, 10)
        block = network.layers["block1_mlp"]
        counts[name] = block.fc_in.weight.numel() + block.fc_out.weight.numel()
        assert block.width == {"gelu": 192, "swiglu": 128, "crelu": 256}[name]
    assert counts["gelu"] == counts["swiglu"] == counts["crelu"] == 2 * 48 * 192


def test_pooling_of_the_cnn() -> None:
    for pool, width in (("flatten", 8 * 3), ("mean", 8), ("max", 8)):
        config = replace(CONFIGS["cnn"], pool=pool, fc_depth=0)
        network = build_network(config, {"name": "relu"}, SERIES, 10)
        assert network.layers["head"].in_features == width
        assert network(torch.randn(2, 12, 2)).shape == (2, 10)


def test_attention_sees_every_token_and_position_matters() -> None:
    config = CONFIGS["transformer"]
    network = build_network(config, {"name": "default"}, SERIES, 10).eval()
    x = torch.randn(1, 12, 2)
    assert not torch.allclose(network(x), network(x.flip(1)))
    x.requires_grad_()
    network(x)[0, 0].backward()
    assert x.grad.abs().sum((0, 2)).gt(0).all()


@pytest.mark.parametrize(
    ("config", "activation", "message"),
    [
        (replace(CONFIGS["cnn"], width=9), "maxmin", "multiple of 2, not 9"),
        (replace(CONFIGS["mlp"], width=9), "crelu", "multiple of 2, not 9"),
        (replace(CONFIGS["cnn"], kernel=4), "relu", "must be odd, not 4"),
        (
            replace(CONFIGS["transformer"], heads=3),
            "gelu",
            "model.width must be a multiple of model.heads=3, not 16",
        ),
    ],
)
def test_widths_that_do_not_fit(config: ModelConfig, activation: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_network(config, {"name": activation}, SERIES, 10)


def test_every_model_is_configured_here() -> None:
    assert set(CONFIGS) == set(BUILT_IN)
    assert isinstance(CONFIGS["transformer"], TransformerConfig)
