"""Search spaces: what is searched, its size, and what a point means."""

import math
from dataclasses import replace
from typing import Any

import optuna
import pytest

from activation_search.activations import Activation
from activation_search.config.compose import compose
from activation_search.config.run import check_run
from activation_search.config.search import DEFAULT_CANDIDATES, SweepConfig
from activation_search.data.registry import load_source
from activation_search.errors import UserError
from activation_search.models.factory import sites_on
from activation_search.search.parse_space import build_space, check_points
from activation_search.search.space import Space, baseline
from activation_search.search.sweep import _checked_with, base_config


def space(*overrides: str) -> tuple[Space, Any]:
    config = compose(["data=digits", *overrides], SweepConfig)
    base = base_config(config, "test")
    found = build_space(config.search, base, sites_on(config.model, config.data))
    check_points(found, base, _checked_with(load_source(config.data)))
    return found, base


def labels(given: Space) -> dict[str, list[str]]:
    return {choice.label: list(choice.candidates) for choice in given.choices}


def test_global() -> None:
    found, base = space("model=cnn", "search=global", "search.candidates=[relu,swish]")
    assert labels(found) == {"activation": ["relu", "silu"]}
    assert found.size == 2
    assert list(found.points()) == [{"activation": "relu"}, {"activation": "silu"}]
    config = found.apply(base, {"activation": "silu"})
    assert config.activation.as_dict() == {"name": "silu", "layers": {}}


def test_per_layer() -> None:
    found, base = space("model=cnn", "search=per_layer")
    assert list(labels(found)) == ["conv1", "conv2", "conv3", "fc1"]
    assert found.size == 12**4
    starts = list(found.starts())
    assert len(starts) == 12
    assert starts[4] == dict.fromkeys(["conv1", "conv2", "conv3", "fc1"], "gelu")
    point = {"conv1": "relu", "conv2": "prelu", "conv3": "gelu", "fc1": "tanh"}
    assert found.apply(base, point).activation.as_dict() == {"name": "default", "layers": point}


def test_candidates_by_the_names_of_other_libraries() -> None:
    found, _ = space("search.candidates=[ReLU,swish,{name: LeakyReLU, negative_slope: 0.2}]")
    assert labels(found) == {"activation": ["relu", "silu", "leaky_relu(negative_slope=0.2)"]}


def test_default_candidates_are_varied() -> None:
    assert len(DEFAULT_CANDIDATES) == 12
    assert "prelu" in DEFAULT_CANDIDATES


def test_sites_by_pattern_and_tied() -> None:
    found, _ = space("search=per_layer", "search.sites=conv*", "search.tie=[[conv1,conv3]]")
    assert list(labels(found)) == ["conv1+conv3", "conv2"]
    together, base = space("search=global", "search.sites=[conv*]", "search.candidates=[elu,selu]")
    assert list(labels(together)) == ["conv*"]
    applied = together.apply(base, {"conv*": "elu"})
    assert applied.activation.as_dict()["layers"] == {"conv*": "elu"}
    # What the base says of one of them would beat the pattern.
    named = replace(base, activation=base.activation.with_layers({"conv2": Activation("relu")}))
    applied = together.apply(named, {"conv*": "elu"})
    assert applied.activation.as_dict()["layers"] == dict.fromkeys(
        ["conv2", "conv1", "conv3"], "elu"
    )


def test_gates_of_an_lstm_have_their_own_candidates() -> None:
    found, _ = space("model=lstm", "search=gates", "model.depth=2")
    assert list(labels(found)) == [
        f"lstm1_{part}+lstm2_{part}"
        for part in ("input_gate", "forget_gate", "candidate", "output_gate", "cell_output")
    ]
    assert "relu" not in labels(found)["lstm1_input_gate+lstm2_input_gate"]
    assert "relu" in labels(found)["lstm1_candidate+lstm2_candidate"]


def test_candidates_that_do_not_fit_a_site_are_left_out() -> None:
    found, _ = space("model=lstm", "search=per_layer", "search.candidates=[tanh,swiglu,gelu]")
    assert labels(found) == {
        "lstm1_candidate": ["tanh", "swiglu", "gelu"],
        "lstm1_cell_output": ["tanh", "gelu"],
    }


def test_the_whole_catalogue() -> None:
    found, _ = space("search=global", "search.candidates=all")
    assert len(labels(found)["activation"]) == 69
    gates, _ = space(
        "model=lstm", "search=per_layer", "search.sites=*_gate", "search.candidates=all"
    )
    # At a gate only bounded element-wise functions.
    assert {"sigmoid", "tanh", "gaussian"} <= set(labels(gates)["lstm1_input_gate"])
    assert not {"relu", "maxmin", "prelu"} & set(labels(gates)["lstm1_input_gate"])


def test_own_parameters_are_drawn_only_with_their_activation() -> None:
    found, base = space("search=joint", "search.candidates=[relu,leaky_relu,prelu]")
    assert found.size == math.inf
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    seen = set()
    for _ in range(30):
        trial = study.ask()
        point = found.suggest(trial)
        assert point == trial.params
        name = point["activation"]
        seen.add(name)
        extra = {"leaky_relu": "negative_slope", "prelu": "init"}.get(name)
        expected = {"activation", "optim.lr"}
        if extra:
            expected.add(f"activation.{name}.{extra}")
        assert set(point) == expected
        config = found.apply(base, point)
        assert 5e-4 <= config.optim.lr <= 3e-2
        if extra:
            assert config.activation.as_dict()[extra] == point[f"activation.{name}.{extra}"]
        study.tell(trial, 0.0)
    assert seen == {"relu", "leaky_relu", "prelu"}


def test_a_parameter_that_the_user_gave_is_not_drawn() -> None:
    given = "search.candidates=[{name: leaky_relu, negative_slope: 0.3}, relu]"
    found, base = space("search=global", given, "search.parameters=true")
    assert found.size == 2
    config = found.apply(base, {"activation": "leaky_relu(negative_slope=0.3)"})
    assert config.activation.as_dict() == {
        "name": "leaky_relu",
        "negative_slope": 0.3,
        "layers": {},
    }


def test_other_settings() -> None:
    found, base = space(
        "model=mlp",
        "search=global",
        "search.candidates=[relu]",
        "search.hparams={model.norm: [none, batch], model.depth: {low: 1, high: 3}}",
    )
    assert found.size == math.inf
    trial = optuna.create_study().ask()
    config = found.apply(base, found.suggest(trial))
    assert config.model.depth in (1, 2, 3)
    assert isinstance(config.model.depth, int)
    assert config.model.norm in ("none", "batch")


@pytest.mark.parametrize("key", ["early_stopping.patience", "trainer.max_steps", "model.depth"])
def test_whole_numbers_that_are_none_by_default(key: str) -> None:
    found, base = space(f"search.hparams={{{key}: {{low: 2, high: 4}}}}")
    assert found.ranges[key].whole
    config = found.apply(base, {"activation": "relu", key: 3})
    check_run(config)


def test_numbers_that_are_none_by_default() -> None:
    found, _ = space("search.hparams={optim.clip: {low: 1, high: 4}}")
    assert not found.ranges["optim.clip"].whole


def test_a_list_for_all_sites() -> None:
    found, _ = space("model=cnn", "search.candidates={*: [relu, gelu]}")
    assert labels(found) == {"activation": ["relu", "gelu"]}


def test_lists_for_single_sites() -> None:
    """An exact name beats a pattern, and a later pattern an earlier one."""
    lists = "{*: [relu, gelu], conv2: [elu, selu], conv*: [tanh, silu]}"
    found, _ = space("model=cnn", "search=per_layer", f"search.candidates={lists}")
    assert labels(found) == {
        "conv1": ["tanh", "silu"],
        "conv2": ["elu", "selu"],
        "conv3": ["tanh", "silu"],
        "fc1": ["relu", "gelu"],
    }


def test_baseline() -> None:
    assert baseline(space("model=cnn")[1]).activation.name == "relu"
    assert baseline(space("model=transformer")[1]).activation.name == "relu"
    assert baseline(space("model=lstm")[1]).activation.name == "default"


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["search.candidates=[relu,gleu]"], "Unknown activation 'gleu', did you mean 'gelu'"),
        (["search=per_layer", "search.sites=dense*"], r"Unknown site 'dense\*'; allowed: conv1"),
        (["search=per_layer", "search.tie=[[conv9]]"], "Unknown site 'conv9', did you mean"),
        (["search.candidates=[relu]"], "The search space is empty"),
        (["search.candidates=[]"], "The search space is empty"),
        (
            ["search.hparams={optim.lr: {low: 0.1, high: 0.01}}"],
            "search.hparams.optim.lr needs low below high, not low=0.1, high=0.01",
        ),
        (["search.hparams={optim.lr: {low: 0, high: 1, log: true}}"], "needs low above 0"),
        (["search.hparams={optim.lr: 3}"], "must be a list of values or"),
        (["search.hparams={optim.lr: {low: 1, high: 2, lg: true}}"], "did you mean 'log'"),
        (["search.hparams={optim.rl: {low: 1, high: 2}}"], "'rl', did you mean 'lr'"),
        (["search.candidates=null"], "must be a list of activations, default or all, not None"),
        (["search.candidates=5"], "must be a list of activations, default or all, not 5"),
        (["search.candidates={dense: [relu, gelu]}"], "Unknown site 'dense'"),
        (["search=per_layer", "search.sites=3"], "pattern or a list of patterns"),
        (["search=per_layer", "search.tie=[7]"], "pattern or a list of patterns"),
        (["search.tie=[[conv1,conv2]]"], "search.tie needs search.per_site=true"),
        (
            ["search=per_layer", "search.tie=[[conv1,conv2],[conv2,conv3]]"],
            "search.tie names conv2 in two ties",
        ),
        (["search.hparams={model.name: [mlp, cnn]}"], "cannot draw model.name"),
        (["search.hparams={model: [1, 2]}"], "cannot draw model;"),
        (["search.hparams={test: [true, false]}"], "cannot draw test;"),
        (["search.hparams={seed: [1, 2]}"], "cannot draw seed;"),
        (["search.hparams={optim.momentum: {low: 0.5, high: 5}}"], "optim.momentum must be at"),
        (["search.hparams={model.norm: [none, batchh]}"], "did you mean 'batch'"),
        (["search.hparams={model.depth: {low: 1.5, high: 3.5}}"], "needs whole numbers"),
        (["search.hparams={optim.lr: {low: true, high: 3}}"], "needs low below high"),
        (["search.hparams={optim.lr: {low: 1, high: 1" + 400 * "0" + "}}"], "beyond all floats"),
        (["search.candidates=[]", "search.hparams={optim.lr: {low: 0.1, high: 1}}"], "is empty"),
        (["search.candidates={conv1: [relu, gelu]}"], "need search.per_site=true"),
        (
            [
                "search.sites=[conv1,conv2]",
                "search.candidates={conv1: [relu,gelu], conv2: [elu,selu]}",
            ],
            "need search.per_site=true",
        ),
        (["search.hparams={trainer.fast_dev_run: [true, false]}"], "has no result to rank"),
        (["search.hparams={data.validation: [0, 0.2]}"], "judged on a validation split"),
        (["search.hparams={optim.target: [a.A, b.B]}"], "cannot draw optim.target;"),
        (["search.hparams={early_stopping.patience: {low: 1, high: 2.5}}"], "needs whole numbers"),
        (["search.hparams={optim.lr: {low: -1, high: 1}}"], "optim.lr must be above 0, not -1"),
    ],
)
def test_mistakes(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        space(*overrides)
