"""The sites of models as people write them: the exact lists."""

import pytest
import torch
from torch import nn

from activation_search.models.own.discover import discover

from . import zoo

IMAGE, SERIES = (1, 8, 8), (7, 2)
GATES = ["sigmoid", "sigmoid_1", "tanh", "sigmoid_2", "tanh_1"]
BLOCKS = [f"layer{i}_{j}_relu{k}" for i in range(1, 5) for j in (0, 1) for k in ("", "_1")]
RELU = nn.ReLU()  # one object at two places
EXPECTED = {
    "ResNet18": (zoo.ResNet18(), (1, 32, 32), ["relu", *BLOCKS]),
    "MNISTExample": (zoo.MNISTExample(), IMAGE, ["relu", "relu_1", "relu_2"]),
    "Loop": (zoo.Loop(), IMAGE, ["relu", "relu_1", "relu_2", "act", "act_1"]),
    "Sequential": (
        nn.Sequential(nn.Linear(64, 9), RELU, nn.Linear(9, 9), RELU, nn.Linear(9, 3)),
        (64,),
        ["model_1", "model_3"],
    ),
    "HandRNN": (zoo.HandRNN(), SERIES, ["tanh"]),
    "HandLSTM": (zoo.HandLSTM(), SERIES, [f"cell_{gate}" for gate in GATES]),
    "Encoder": (zoo.Encoder(), SERIES, [f"encoder_layers_{i}_activation" for i in range(3)]),
    "FusedLSTM": (zoo.FusedLSTM(), SERIES, ["fc_1"]),
    "Mobile": (
        zoo.Mobile(),
        IMAGE,
        ["features_2", "features_3_fc_1", "features_3_fc_3", "features_6", "classifier_1"],
    ),
    "Repeated": (zoo.Repeated(), IMAGE, ["block_1"]),
    "UNet": (zoo.UNet(), (1, 10, 10), ["relu", "relu_1", "elu", "relu_2", "relu_3", "silu"]),
}


def found(model: nn.Module, shape: tuple[int, ...]):
    batches = [torch.randn(n, *shape, generator=torch.Generator().manual_seed(0)) for n in (2, 3)]
    return discover(model, batches)


@pytest.mark.parametrize(("model", "shape", "names"), EXPECTED.values(), ids=EXPECTED)
def test_sites(model: nn.Module, shape: tuple[int, ...], names: list[str]) -> None:
    assert [site.name for site in found(model, shape).sites] == names


def test_channels_and_layers_of_a_resnet() -> None:
    seen = found(zoo.ResNet18(), (1, 32, 32))
    channels = [site.channels for site in seen.sites]
    assert channels == [64] * 5 + [128] * 4 + [256] * 4 + [512] * 4
    assert all(site.channel_dim == 1 for site in seen.sites)
    assert seen.sites[1].after == "layer1.0.bn1"
    assert seen.layers[0] == "conv1"
    assert seen.layers[-1] == "fc"
    assert str(seen.sites[0].place).startswith("zoo.py:")


def test_own_functions_are_recognised() -> None:
    mobile = {site.name: str(site.site.default) for site in found(zoo.Mobile(), IMAGE).sites}
    assert mobile["features_2"] == "hardswish"
    assert mobile["features_3_fc_3"] == "sigmoid"


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (nn.LeakyReLU(0.2), "leaky_relu(negative_slope=0.2)"),
        (nn.GELU("tanh"), "gelu_tanh"),
        (nn.ELU(), "elu"),
        (nn.PReLU(4), "prelu"),
        (nn.PReLU(), "prelu(sharing=layer)"),
        (nn.PReLU(4, init=0.1), "prelu(init=0.1)"),
        (nn.RReLU(), "rrelu"),
        (nn.RReLU(0.05, 0.5), "rrelu(lower=0.05, upper=0.5)"),
        (nn.RReLU(0.05, 0.1), "own (RReLU)"),
        (nn.Hardtanh(), "hardtanh"),
        (nn.Hardtanh(-2, 2), "own (Hardtanh)"),
    ],
)
def test_names_of_functions(module: nn.Module, name: str) -> None:
    [site] = found(nn.Sequential(nn.Linear(4, 4), module, nn.Linear(4, 2)), (4,)).sites
    assert str(site.site.default) == name


def test_gates_are_filled_by_name_alone() -> None:
    filled = {s.name: s.site.fills for s in found(zoo.HandLSTM(), SERIES).sites}
    assert [name for name, fills in filled.items() if fills] == ["cell_tanh", "cell_tanh_1"]
    mobile = {s.name: s.site.fills for s in found(zoo.Mobile(), IMAGE).sites}
    assert [name for name, fills in mobile.items() if not fills] == ["features_3_fc_3"]


def test_sites_do_not_depend_on_the_number_of_steps() -> None:
    model = zoo.HandLSTM()
    names = [[site.name for site in found(model, (steps, 2)).sites] for steps in (7, 9)]
    assert names[0] == names[1]
