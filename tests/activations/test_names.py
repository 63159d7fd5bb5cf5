"""Names as people type them."""

import pytest

from activation_search.activations import Activation, find
from activation_search.activations.names import own_overrides
from activation_search.config.compose import compose
from activation_search.errors import UserError

TYPED = {
    "identity": "Identity linear Linear",
    "relu": "ReLU RELU ReLu",
    "relu6": "ReLU6 relu_6",
    "leaky_relu": "LeakyReLU leakyrelu leaky-relu lrelu LEAKY_RELU",
    "prelu": "PReLU",
    "rrelu": "RReLU",
    "elu": "ELU",
    "selu": "SELU",
    "celu": "CELU",
    "gelu": "GELU",
    "gelu_tanh": "gelu_new gelu_pytorch_tanh GELUTanh",
    "quick_gelu": "quickgelu QuickGELU quick-gelu",
    "silu": "SiLU swish Swish",
    "mish": "Mish",
    "hardswish": "Hardswish hard_swish hswish h-swish HardSwish",
    "hard_sigmoid": "Hardsigmoid hardsigmoid hsigmoid h_sigmoid",
    "hardtanh": "Hardtanh hard_tanh",
    "hardshrink": "Hardshrink",
    "softsign": "Softsign",
    "softplus": "Softplus soft_plus",
    "softshrink": "Softshrink",
    "tanhshrink": "Tanhshrink",
    "logsigmoid": "LogSigmoid log_sigmoid",
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "threshold_relu": "Threshold ThresholdReLU",
    "glu": "GLU",
    "swiglu": "SwiGLU",
    "relu2": "squared_relu SquaredReLU relu_squared",
    "arctan": "atan ArcTan",
    "rational": "pau PAU",
    "star_relu": "StarReLU",
}
PAIRS = [(typed, name) for name, several in TYPED.items() for typed in several.split()]


@pytest.mark.parametrize(("typed", "name"), PAIRS)
def test_all_mean_the_catalogues_own(typed: str, name: str) -> None:
    assert find(typed).name == name
    assert str(Activation.parse(typed)) == name
    assert own_overrides([f"activation={typed}"]) == [f"activation={name}"]


def test_on_a_command_line() -> None:
    given = ["activation=LeakyReLU", "activation.negative_slope=0.2", "activation.layers.fc1=ReLU"]
    slope = {"name": "leaky_relu", "negative_slope": 0.2, "layers": {"fc1": "relu"}}
    assert compose(given).activation.as_dict() == slope
    pattern = compose(["activation.layers={conv*: {name: ELU, alpha: 2}}"]).activation
    assert pattern.as_dict()["layers"] == {"conv*": {"name": "elu", "alpha": 2}}
    assert compose(given[2:]).identity() == compose(["activation.layers.fc1=relu"]).identity()


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("activation=ReLU,gelu, Leaky ReLU", "activation=relu,gelu, leaky_relu"),
        ("activation=choice(ReLU,Swish)", "activation=choice(relu,silu)"),
        ("activation='Leaky ReLU'", "activation='leaky_relu'"),
        ("activation=GELUU", "activation=geluu"),
        ("activation=default", "activation=default"),
        ("activation=my_mod.Wave,ReLU", "activation=my_mod.Wave,relu"),
        ("activation.target=my.ReLU", "activation.target=my.ReLU"),
        ("data.path=ReLU", "data.path=ReLU"),
        ("--multirun", "--multirun"),
    ],
)
def test_overrides_for_hydra(given: str, expected: str) -> None:
    assert own_overrides([given]) == [expected]


def test_errors_list_the_catalogues_names_alone() -> None:
    with pytest.raises(UserError, match="did you mean 'gelu'"):
        find("GLEU")
    # Without a guess, all of them.
    for call in (lambda: find("XQZW"), lambda: compose(["activation=XQZW"])):
        with pytest.raises(UserError, match="Unknown activation 'xqzw'; allowed: ") as error:
            call()
        listed = str(error.value).partition("allowed: ")[2].rstrip(".").split(", ")
        assert "leaky_relu" in listed
        assert not {"swish", "linear", "lrelu"} & set(listed)
