"""What ``activation=`` and ``activation.layers`` say."""

from typing import Any

import pytest

from activation_search.activations import Activation, ActivationChoice
from activation_search.errors import UserError

SLOPE = {"name": "leaky_relu", "negative_slope": 0.2}


@pytest.mark.parametrize(
    ("given", "plain", "text", "label"),
    [
        ("default", {"name": "default", "layers": {}}, "default", "default"),
        ("Swish", {"name": "silu", "layers": {}}, "silu", "silu"),
        (
            SLOPE | {"layers": {"fc1": {"name": "ELU", "alpha": 1.0}, "conv*": SLOPE}},
            SLOPE | {"layers": {"fc1": "elu", "conv*": SLOPE}},
            "leaky_relu(negative_slope=0.2) fc1=elu conv*=leaky_relu(negative_slope=0.2)",
            "leaky_relu-per-layer",
        ),
        (
            {"layers": {"layer1": {0: {"relu": "gelu"}}, "layer2.0.relu": "tanh"}},
            {"name": "default", "layers": {"layer1_0_relu": "gelu", "layer2_0_relu": "tanh"}},
            "default layer1_0_relu=gelu layer2_0_relu=tanh",
            "default-per-layer",
        ),
        (
            {"name": "custom", "target": "mine.wave"},
            {"name": "custom", "target": "mine.wave", "layers": {}},
            "custom(target=mine.wave)",
            "custom-wave",
        ),
    ],
)
def test_parsed_and_written(given: Any, plain: dict[str, Any], text: str, label: str) -> None:
    choice = ActivationChoice.parse(given)
    assert choice.as_dict() == plain
    assert ActivationChoice.parse(plain) == choice
    assert (str(choice), choice.label) == (text, label)


def test_the_order_of_patterns_counts_and_that_of_sites_does_not() -> None:
    def choice(*layers: str) -> ActivationChoice:
        return ActivationChoice.parse({"layers": dict(zip(layers, ["gelu", "tanh"], strict=True))})

    def turned(*layers: str) -> ActivationChoice:
        pairs = list(zip(layers, ["gelu", "tanh"], strict=True))
        return ActivationChoice.parse({"layers": dict(reversed(pairs))})

    assert choice("conv1", "conv2") == turned("conv1", "conv2")
    assert hash(choice("conv1", "conv2")) == hash(turned("conv1", "conv2"))
    assert choice("conv*", "*1") != turned("conv*", "*1")
    assert choice("conv*", "*1").identity() != turned("conv*", "*1").identity()


def test_another_for_the_whole_model_or_at_single_sites() -> None:
    choice = ActivationChoice.parse({"name": "relu", "layers": {"fc1": "tanh"}})
    slope = Activation.parse(SLOPE)
    assert choice.with_whole(slope).as_dict() == SLOPE | {"layers": {"fc1": "tanh"}}
    assert choice.with_layers({"fc1": slope, "fc2": slope}).as_dict() == {
        "name": "relu",
        "layers": {"fc1": SLOPE, "fc2": SLOPE},
    }
    assert choice.layers == {"fc1": Activation("tanh")}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gleu", "Unknown activation 'gleu', did you mean 'gelu'"),
        (3, "Unknown activation"),
        (None, "Unknown activation"),
        ({"name": "relu", "layers": {"fc1": 3}}, "Unknown activation"),
        ({"name": "relu", "layers": ["a"]}, r"maps sites to activations, not \['a'\]"),
        ({"name": "relu", "slope": 1}, "Unknown parameter of relu 'slope'"),
        ({"alpha": 1}, "activation=default takes no parameters"),
    ],
)
def test_mistakes(given: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        ActivationChoice.parse(given)
