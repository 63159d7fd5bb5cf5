"""Hydra's configurations: grammar, types, and one sentence per mistake."""

import pytest

from activation_search.config.compose import compose
from activation_search.config.run import from_dict
from activation_search.errors import UserError


def test_defaults() -> None:
    config = compose()
    assert (config.model.name, config.data.name) == ("cnn", "mnist1d")
    assert config.activation.as_dict() == {"name": "default", "layers": {}}


@pytest.mark.parametrize(
    "own",
    [
        ["hydra.run.dir=there"],
        ["hydra/launcher=basic"],
        ["hydra.job.chdir=true", "hydra/help=default"],
    ],
)
def test_settings_of_hydras_own_change_nothing_else(own: list[str]) -> None:
    given = ["experiment=mnist1d_mlp", "optim.lr=0.5"]
    assert compose([*given, *own]) == compose(given)
    with pytest.raises(UserError, match=r"nosuch"):
        compose(["hydra/launcher=nosuch"])


def test_activation_with_parameters_and_layers() -> None:
    config = compose(
        [
            "activation=leaky_relu",
            "activation.negative_slope=0.2",
            "activation.layers.conv2=prelu",
            "activation.layers.fc1={name: elu, alpha: 0.5}",
        ]
    )
    assert config.activation.as_dict() == {
        "name": "leaky_relu",
        "negative_slope": 0.2,
        "layers": {"conv2": "prelu", "fc1": {"name": "elu", "alpha": 0.5}},
    }


def test_alias_pattern_and_own_function() -> None:
    assert compose(["activation=swish"]).activation.name == "silu"
    pattern = compose(["activation.layers={conv*: swish}"])
    assert pattern.activation.as_dict()["layers"] == {"conv*": "silu"}
    own = compose(["activation=custom", "activation.target=m.f", "activation.height=2.5"])
    assert own.activation.as_dict() == {
        "name": "custom",
        "target": "m.f",
        "height": 2.5,
        "layers": {},
    }


def test_experiment_changes_groups_and_the_command_line_wins() -> None:
    config = compose(["experiment=mnist1d_mlp", "optim.lr=1e-4"])
    assert config.model.name == "mlp"
    assert config.data.validation == 0
    assert config.optim.lr == 1e-4


def test_plain_round_trip() -> None:
    config = compose(["model=transformer", "optim.clip=1", "early_stopping.patience=3"])
    assert from_dict(config.as_dict()) == config


def test_identity_ignores_where_and_how_it_is_shown() -> None:
    shown = compose(["logs=/elsewhere", "resume=auto", "trainer.progress=false"])
    assert shown.identity() == compose().identity()
    assert compose(["seed=1"]).identity() != compose().identity()


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("activation=gleu", "^Unknown activation 'gleu', did you mean 'gelu'.$"),
        ("activation=nothing_alike", "Unknown activation 'nothing_alike'; allowed: acon_c"),
        ("activation=my_code.wave", r"activation=custom activation\.target=my_code\.wave"),
        ("lr=0.1", r"Unknown setting 'lr': it is optim\.lr\."),
        ("max_epochs=3", r"it is trainer\.max_epochs"),
        ("batch_size=3", r"it is data\.batch_size"),
        ("depth=3", r"it is model\.depth"),
        ("optim.max_epochs=3", r"it is trainer\.max_epochs"),
        ("trainer.seed=3", "Unknown trainer setting 'seed': it is seed itself"),
        ("data.target=price", "Unknown data=mnist1d setting 'target': it is a setting of data=csv"),
        (
            "model.heads=2",
            "setting 'heads': it is a setting of model=transformer",
        ),
        ("activation.layers.conv*=relu2", r"braces: 'activation\.layers=\{conv\*: relu2\}'"),
        ("activation.expr=x * y(x)", r"of its own: \"activation\.expr='x \* y\(x\)'\""),
        (
            "model=cmn",
            "Unknown model 'cmn', did you mean 'cnn'. allowed: cnn, function, lstm, mlp",
        ),
        ("data=nonsense", "Unknown data 'nonsense'; allowed: arrays, breast_cancer, cifar10, csv"),
        ("experiment=none_such", "Unknown experiment 'none_such'; allowed: .*mnist1d_cnn"),
        ("optim.lr=abc", "optim.lr: Value 'abc' of type 'str' could not be converted to Float"),
        ("seed=x", "seed: Value 'x' of type 'str' could not be converted to Integer"),
        ("optim.lrr=1", "Unknown optim setting 'lrr', did you mean 'lr'. allowed: optimizer, lr"),
        ("optimm.lr=1", "Unknown setting 'optimm', did you mean 'optim'. allowed: model, data"),
        ("model.kernels=3", "Unknown model=cnn setting 'kernels', did you mean 'kernel'"),
        ("activation.slope=1", "Unknown activation=default setting 'slope'; allowed: layers"),
        ("+foo=1", "Unknown setting 'foo'; allowed: model, data"),
        ("model.name=mlp", r"model\.name=mlp does not choose another one; write model=mlp"),
        ("data.name=digits", r"data\.name=digits does not choose another one; write data=digits"),
        ("~model", "model has no value"),
        ("~data", "data has no value"),
        ("~activation", "activation has no value"),
        ("+optim.foo=1", "Unknown optim setting 'foo'; allowed: optimizer, lr"),
        ("+model.foo=1", "Unknown model setting 'foo'; allowed: depth, width"),
        ("model.width=???", r"model\.width has no value; give it one, or leave it out"),
        ("seed=???", "seed has no value"),
        ("logs='${nowhere}'", "logs: Interpolation key 'nowhere' not found"),
        ("logs='${nosuch:1}'", "logs: Unsupported interpolation type nosuch"),
        ("a=b=c", "Cannot read the override 'a=b=c'"),
    ],
)
def test_mistakes(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        compose([override])


def test_a_list_is_asked_for() -> None:
    with pytest.raises(UserError, match=r"^data\.drop takes a list: data\.drop=\[a,b\]\.$"):
        compose(["data=csv", "data.drop=name"])


@pytest.mark.parametrize("key", ["optim.lr", "data.validation", "optim.clip"])
def test_a_whole_number_beyond_all_floats(key: str) -> None:
    with pytest.raises(UserError, match=key.replace(".", r"\.") + "|too large"):
        compose([f"{key}=1{'0' * 310}"])
