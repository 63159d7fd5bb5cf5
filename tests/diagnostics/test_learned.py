"""Curves and values of learned activations."""

import pytest
import torch

from activation_search.diagnostics.figures import draw_learned_curve
from activation_search.diagnostics.learned import X, learned_curve, learned_parameters
from activation_search.models.factory import build_network
from activation_search.models.network import Network

from ..models.conftest import CONFIGS, SERIES


def network(activation: str, model: str = "mlp") -> Network:
    return build_network(CONFIGS[model], {"name": activation}, SERIES, 3).train()


def test_curve_per_channel() -> None:
    prelu = network("prelu")
    with torch.no_grad():
        prelu.activations["hidden1"].weight[1] = 0.5
    y = learned_curve(prelu, "hidden1")
    assert y.shape == (201, 16)
    assert y[0, :3].tolist() == [-1.0, -2.0, -1.0]  # at z = -4
    assert y[-1, :2].tolist() == [4.0, 4.0]
    assert prelu.activations["hidden1"].training


def test_equal_channels_make_one_column() -> None:
    assert learned_curve(network("prelu"), "hidden1").shape == (201, 1)
    assert learned_curve(network("rational"), "hidden2").shape == (201, 1)


@pytest.mark.parametrize("model", CONFIGS)
def test_every_layout(model: str) -> None:
    learning = network("apl", model)
    site = next(iter(learned_parameters(learning)))
    with torch.no_grad():
        learning.activations[site].slopes[:, 0] = 1.0
    assert learned_curve(learning, site).shape == (201, learning.layouts[site][0])


def test_learned_parameters_are_plain() -> None:
    network = build_network(
        CONFIGS["mlp"], {"name": "relu", "layers": {"hidden2": "swish_beta"}}, SERIES, 3
    )
    assert learned_parameters(network) == {"hidden2": {"beta": [1.0] * 16}}


def test_figure_shows_start_and_now() -> None:
    start, now = torch.zeros(201, 1), X[:, None] * torch.tensor([1.0, 0.5, 0.2])
    z = torch.randn(500)
    axes, below = draw_learned_curve("conv1", X, start, now, z).axes
    [histogram] = below.patches
    assert histogram.get_xy()[:, 1].max() == torch.histc(z, 50, -4, 4).max()
    labels = [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]
    assert labels == ["start", "now"]
    assert len(axes.lines) == 2 + 3 + 2  # axes, channels, means
