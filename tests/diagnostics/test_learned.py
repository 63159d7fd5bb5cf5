"""Curves and values of learned activations."""

import torch

from activation_search.activations import build
from activation_search.diagnostics.figures import draw_learned_curve
from activation_search.diagnostics.learned import X, curve, learned_parameters
from activation_search.models.factory import build_network

from ..models.conftest import CONFIGS, SERIES


def test_curve_per_channel() -> None:
    module = build("prelu", channels=2).train()
    with torch.no_grad():
        module.weight[1] = 0.5
    y = curve(module)
    assert y.shape == (201, 2)
    assert y[0].tolist() == [-1.0, -2.0]  # at z = -4
    assert y[-1].tolist() == [4.0, 4.0]
    assert module.training


def test_curve_of_shared_parameters_and_of_the_channels_last_layout() -> None:
    assert curve(build("rational")).shape == (201, 1)
    assert curve(build("apl", channels=3, channel_dim=-1)).shape == (201, 3)


def test_learned_parameters_are_plain() -> None:
    network = build_network(
        CONFIGS["mlp"], {"name": "relu", "layers": {"hidden2": "swish_beta"}}, SERIES, 3
    )
    assert learned_parameters(network) == {"hidden2": {"beta": [1.0] * 16}}


def test_figure_shows_start_and_now() -> None:
    start, now = curve(build("prelu", channels=3)), curve(build("prelu", channels=3, init=0.5))
    [axes] = draw_learned_curve("conv1", X, start, now).axes
    labels = [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]
    assert labels == ["start", "now"]
    assert len(axes.lines) == 2 + 3 + 2  # axes, channels, means
