"""Curves and values of learned activations."""

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg

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


@pytest.mark.parametrize("scale", [2.5e-6, 2.5e-4, 1.0, 8e5, 8e9])
def test_numbers_of_every_size_lie_within_the_figure(scale: float) -> None:
    now = -scale * X[:, None]
    figure = draw_learned_curve("block1_ff", X, now / 2, now, torch.zeros(500))
    box = figure.get_tightbbox(FigureCanvasAgg(figure).get_renderer())
    assert box.x0 >= 0
    assert box.y0 >= 0
    assert box.x1 <= figure.get_figwidth()
    assert box.y1 <= figure.get_figheight()


def test_figure_shows_start_and_now() -> None:
    start, now = torch.zeros(201, 1), X[:, None] * torch.tensor([1.0, 0.5, 0.2])
    z = torch.randn(500, generator=torch.Generator().manual_seed(0))
    axes, below = draw_learned_curve("conv1", X, start, now, z).axes
    [histogram] = below.patches
    counts, _ = np.histogram(z.double(), 50, (-4, 4))
    assert histogram.get_xy()[1:101:2, 1].tolist() == counts.tolist()
    labels = [line.get_label() for line in axes.lines if not line.get_label().startswith("_")]
    assert labels == ["start", "now"]
    assert len(axes.lines) == 2 + 3 + 2  # axes, channels, means
