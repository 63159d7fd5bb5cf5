"""Settings of optimizers that go together, and those that do not."""

import pytest

from activation_search.config.compose import compose
from activation_search.config.run import check_run, from_dict
from activation_search.errors import UserError


@pytest.mark.parametrize(
    "overrides",
    [
        ["optim.betas=[0.9,0.95]", "optim.eps=1e-6"],
        ["optim.optimizer=rmsprop", "optim.eps=1e-6"],
        ["optim.optimizer=sgd", "optim.nesterov=true"],
        ["optim.target=m.Muon", "optim.args={momentum: 0.95}"],
        ["optim.target=m.Muon", "optim.args.momentum=0.95"],
        ["optim.schedule_target=m.warm", "optim.schedule_args.steps=10"],
    ],
)
def test_these_go_together(overrides: list[str]) -> None:
    check_run(compose(overrides))


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["optim.optimizer=sgd", "optim.betas=[0.9,0.95]"], "not for optim.optimizer=sgd; it is"),
        (["optim.optimizer=sgd", "optim.eps=1e-6"], "adam, adamw, nadam, radam, rmsprop"),
        (["optim.nesterov=true"], "optim.nesterov is not for optim.optimizer=adam; .* of sgd"),
        (["optim.betas=[0.9]"], r"two numbers of at least 0 and below 1.*not \[0.9\]"),
        (["optim.betas=[0.9,1]"], "two numbers"),
        (["optim.eps=0"], "optim.eps must be above 0"),
        (["optim.optimizer=sgd", "optim.nesterov=true", "optim.momentum=0"], "which is 0"),
        (["optim.target=m.Muon", "optim.betas=[0.9,0.95]"], "write optim.args={betas"),
        (["optim.target=m.Muon", "optim.args={lr: 1}"], "optim.args holds lr; write optim.lr"),
        (
            ["optim.target=m.Muon", "optim.args={weight_decay: 1}"],
            "write optim.weight_decay, which",
        ),
        (["optim.args={momentum: 1}"], "arguments of optim.target, which is not given"),
        (["optim.schedule_args={gamma: 1}"], "arguments of optim.schedule_target"),
    ],
)
def test_these_do_not(overrides: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_run(compose(overrides))


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("betas", 3, "must be two numbers"),
        ("betas", [0.9, True], "must be two numbers"),
        ("args", None, "maps names to values"),
        ("schedule_args", [1], "maps names to values"),
    ],
)
def test_what_stands_in_a_damaged_file(setting: str, value: object, message: str) -> None:
    plain = compose().as_dict()
    with pytest.raises(UserError, match=message):
        check_run(from_dict({**plain, "optim": {**plain["optim"], setting: value}}))
