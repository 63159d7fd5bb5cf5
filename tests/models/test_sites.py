"""Which activation goes to which site."""

from typing import Any

import pytest

from activation_search.errors import UserError
from activation_search.models.sites import Site, assign

SITES = [
    Site("conv1", "relu"),
    Site("conv2", "relu"),
    Site("lstm1_gate", "sigmoid", fills=False, fixed_width=True),
    Site("lstm1_output", "tanh", fixed_width=True),
]


def assigned(**given: Any) -> list[str]:
    return [str(activation) for activation in assign(SITES, given).values()]


def test_the_models_own() -> None:
    assert assigned(name="default") == ["relu", "relu", "sigmoid", "tanh"]


def test_one_for_all_leaves_gates_alone() -> None:
    assert assigned(name="swish") == ["silu", "silu", "sigmoid", "silu"]


def test_one_that_changes_the_width_goes_only_where_it_fits() -> None:
    assert assigned(name="swiglu") == ["swiglu", "swiglu", "sigmoid", "tanh"]


def test_one_that_goes_nowhere_is_refused() -> None:
    gates = [Site("model_2", "sigmoid", fills=False)]
    with pytest.raises(UserError, match=r"goes to no site.*activation.layers.model_2=relu"):
        assign(gates, {"name": "relu"})
    assert [str(a) for a in assign(gates, {"name": "default"}).values()] == ["sigmoid"]
    named = {"name": "default", "layers": {"model_2": "tanh"}}
    assert [str(a) for a in assign(gates, named).values()] == ["tanh"]


def test_parameters_of_the_general_one() -> None:
    slope = "leaky_relu(negative_slope=0.2)"
    assert assigned(name="leaky_relu", negative_slope=0.2) == [slope, slope, "sigmoid", slope]


def test_single_sites_by_name() -> None:
    layers = {"conv2": {"name": "prelu", "init": 0.1}, "lstm1_gate": "hard_sigmoid"}
    assert assigned(name="gelu", layers=layers) == [
        "gelu",
        "prelu(init=0.1)",
        "hard_sigmoid",
        "gelu",
    ]


def test_patterns_and_their_precedence() -> None:
    layers = {"conv1": "mish", "conv*": "tanh", "*2": "elu"}
    assert assigned(name="gelu", layers=layers) == ["mish", "elu", "sigmoid", "gelu"]


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (
            {"conv9": "relu"},
            "Unknown site 'conv9', did you mean 'conv2'. allowed: conv1, conv2, lstm1_gate",
        ),
        ({"block*": "relu"}, r"Unknown site 'block\*'"),
        ({"conv1": "gleu"}, "Unknown activation 'gleu'"),
        ({"lstm1_gate": "swiglu"}, "swiglu changes the number of channels and cannot stand at"),
        ({"lstm1_gate": "maxmin"}, "maxmin mixes channels and cannot stand at the gate lstm1_gate"),
    ],
)
def test_mistakes(layers: dict[str, str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        assign(SITES, {"name": "relu", "layers": layers})
