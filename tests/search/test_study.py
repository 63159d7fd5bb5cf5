"""Where a study is stored, and what it asks."""

import re
from pathlib import Path
from typing import Any

import optuna
import pytest

from activation_search.config.compose import compose
from activation_search.config.search import SweepConfig
from activation_search.errors import MachineError, UserError
from activation_search.models.factory import sites_on
from activation_search.search.parse_space import build_space
from activation_search.search.study import (
    FORMAT,
    open_storage,
    open_study,
    storage_errors,
    sweep_question,
)
from activation_search.search.sweep import base_config


@pytest.fixture(params=["journal", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    urls = {"journal": f"journal://{tmp_path}/j.log", "sqlite": f"sqlite:///{tmp_path}/s.db"}
    return urls[request.param]


@pytest.fixture
def storage(url: str) -> optuna.storages.BaseStorage:
    return open_storage(url)


def configured(*overrides: str) -> dict[str, Any]:
    config = compose(["model=mlp", "data=digits", *overrides], SweepConfig)
    base = base_config(config, "test")
    space = build_space(config.search, base, sites_on(config.model, config.data))
    return sweep_question(config, space)


def test_passwords_are_not_shown() -> None:
    with pytest.raises(UserError, match=r"postgresql\+nodriver://bob:\*\*\*@127"):
        open_storage("postgresql+nodriver://bob:secret@127.0.0.1:1/x")


def test_another_question_under_the_same_name(storage) -> None:
    open_study(storage, "s", configured("search.candidates=[relu,gelu]"), "accuracy", "max")
    for same in ("trials=99", "workers=1", "search.controls=3", "tensorboard.enabled=false"):
        open_study(
            storage, "s", configured("search.candidates=[relu,gelu]", same), "accuracy", "max"
        )
    other = configured("search.candidates=[relu,tanh]", "optim.lr=0.1")
    costs = configured("search.candidates=[relu,gelu]", "search.limits={parameters: 9}")
    with pytest.raises(UserError, match=r"search.limits was None, is {'parameters': 9}"):
        open_study(storage, "s", costs, "accuracy", "max")
    with pytest.raises(
        UserError,
        match=r"asks something else \(optim.lr was 0.005, is 0.1; search.activation was "
        r"\['relu', 'gelu'\], is \['relu', 'tanh'\]\)",
    ):
        open_study(storage, "s", other, "accuracy", "max")


COSTS = ["parameters", "milliseconds"]


def test_costs_are_minimised_beside_the_metric(storage) -> None:
    asked = configured("search.objectives=[accuracy,parameters,milliseconds]")
    study = open_study(storage, "s", asked, "accuracy", "max", COSTS)
    assert [direction.name for direction in study.directions] == [
        "MAXIMIZE", "MINIMIZE", "MINIMIZE",
    ]  # fmt: skip
    assert study.metric_names == ["validation accuracy", "parameters", "milliseconds"]
    open_study(storage, "s", asked, "accuracy", "max", COSTS)


@pytest.mark.parametrize("costs", [[], COSTS])
def test_a_study_made_beforehand_for_the_other_direction(storage, costs: list[str]) -> None:
    optuna.create_study(storage=storage, study_name="s")  # to be minimised, by default
    with pytest.raises(UserError, match="'s' was made by another program, for other directions"):
        open_study(storage, "s", configured(), "accuracy", "max", costs)
    assert open_study(storage, "t", configured(), "loss", "min").directions[0].name == "MINIMIZE"
    with pytest.raises(UserError, match=r"asks something else \(task.metric was None, is loss\)"):
        open_study(storage, "t", configured() | {"task": {"metric": "loss"}}, "accuracy", "max")


def test_a_study_that_is_deleted_while_it_runs(storage) -> None:
    study = open_study(storage, "s", configured(), "accuracy", "max")
    optuna.delete_study(study_name="s", storage=storage)
    with pytest.raises(MachineError, match="was deleted from its storage"), storage_errors():
        study.set_user_attr("driver", 1)
    with pytest.raises(KeyError), storage_errors():
        raise KeyError("something else")


@pytest.mark.parametrize(
    "unreachable",
    ["sqlite:////does/not/exist/s.db", "nonsense", "postgresql+nodriver://127.0.0.1:1/x"],
)
def test_a_storage_that_cannot_be_reached(unreachable: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"Cannot open storage={unreachable}: ")):
        open_storage(unreachable)


def test_a_study_of_another_version(storage) -> None:
    asked = configured("search.candidates=[relu,gelu]")
    study = open_study(storage, "s", asked, "accuracy", "max")
    study.set_user_attr(FORMAT, 1)
    with pytest.raises(UserError, match="'s' was made by another version of this program"):
        open_study(storage, "s", asked, "accuracy", "max")
