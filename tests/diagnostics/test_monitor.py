"""Runs that are watched: defer_signals, and warned of what is wrong with them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.diagnostics.remedies import KEEPS_GRADIENT, remedies
from activation_search.training import session as session_module
from activation_search.training.result import read_result
from activation_search.training.run import RunInterrupted, train

from .test_events import events, scalar

Small = Callable[..., TrainConfig]
OFTEN = ["tensorboard.every_n_steps=1", "health.every_n_steps=1"]


@pytest.mark.parametrize(
    "overrides",
    [
        ["model.dropout=0.3", "model.norm=batch", "activation=rrelu"],
        ["model=cnn", "model.norm=batch", "model.width=8", "activation=prelu"],
        ["model=lstm", "model.width=8", "activation=softsign", "optim.clip=0.1"],
        ["model=transformer", "model.width=16", "model.dropout=0.1", "activation=swiglu"],
        ["trainer.precision=bf16-mixed", "trainer.accumulate_grad_batches=2"],
        ["trainer.precision=bf16-true", "activation=apl"],
    ],
)
def test_a_run_is_the_same_with_and_without_readings(small: Small, overrides: list[str]) -> None:
    watched = train(small(*overrides, *OFTEN))
    alone = train(small(*overrides, "health.enabled=false", "tensorboard.enabled=false"))
    assert watched.curve == alone.curve
    assert watched.metrics == alone.metrics
    assert set(watched.health) == set(watched.assignment)
    assert (alone.health, alone.alarms) == ({}, [])


def test_what_is_written(small: Small) -> None:
    result = train(small("health.every_n_steps=10"))
    accumulator = events(result.directory)
    for group in ("dead", "dormant", "saturated", "signal_std"):
        for site in result.assignment:
            assert list(scalar(accumulator, f"{group}/{site}")) == [0, 10, 20, 30, 36]
            name = {"signal_std": "h_std"}.get(group, group)
            logged = scalar(accumulator, f"{group}/{site}")[36]
            assert logged == pytest.approx(result.health[site][name], rel=1e-6)
    assert list(scalar(accumulator, "update_ratio/head")) == [1, 11, 21, 31]


def test_update_ratio_is_that_of_one_step(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    weights: list[torch.Tensor] = []

    class Recording(session_module.ActivationModule):
        def on_train_batch_start(self, batch, index) -> None:
            flat = [p.detach().flatten() for p in self.network.layers["head"].parameters()]
            weights.append(torch.cat(flat))

    monkeypatch.setattr(session_module, "ActivationModule", Recording)
    result = train(small("health.every_n_steps=10"))
    ratios = scalar(events(result.directory), "update_ratio/head")
    for step in (0, 10):
        expected = (weights[step + 1] - weights[step]).norm() / weights[step].norm()
        assert ratios[step + 1] == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.parametrize(
    ("experiment", "kind", "cure"),
    [
        ("vanishing_gradient", "vanishing_gradient", "activation=relu"),
        ("dying_relu", "dying_units", "optim.lr=0.01"),
        ("exploding_gradient", "exploding_gradient", "optim.clip=1.0"),
    ],
)
def test_each_illness_raises_its_alarm_and_its_cure_none(
    experiment: str, kind: str, cure: str, tmp_path: Path
) -> None:
    overrides = [
        f"experiment={experiment}",
        f"logs={tmp_path}",
        "trainer.accelerator=cpu",
        "trainer.progress=false",
    ]
    ill = train(compose(overrides))
    assert {alarm["kind"] for alarm in ill.alarms} == {kind}
    assert all(cure in alarm["remedies"] for alarm in ill.alarms)
    well = train(compose([*overrides, cure]))
    assert well.status == "finished"
    assert well.alarms == []
    assert well.metrics["test_accuracy"] > ill.metrics.get("test_accuracy", 0) + 0.2
    tags = events(ill.directory).Tags()
    assert f"alarm/{kind}" in tags["scalars"]
    assert "alarms/text_summary" in tags["tensors"]


def test_where_a_site_was_set_by_itself_its_remedy_is_too() -> None:
    config = compose(["model=mlp", "activation.layers.hidden1=relu"]).as_dict()
    assignment = {"hidden1": "relu", "hidden2": "relu"}
    # The step is what is wrong, and only functions whose slope never ends keep units alive.
    assert remedies("dying_units", "hidden1", config, assignment) == [
        "optim.lr=0.0005", "model.norm=batch", "activation.layers.hidden1=leaky_relu",
        "activation.layers.hidden1=prelu",
    ]  # fmt: skip
    lstm = compose(["model=lstm"]).as_dict()
    gates = {"lstm1_input_gate": "sigmoid", "lstm1_candidate": "tanh"}
    tries = remedies("saturation", "lstm1_input_gate", lstm, gates)
    assert tries == ["model.norm=layer", "activation.layers.lstm1_input_gate=relu",
                     "activation.layers.lstm1_input_gate=gelu"]  # fmt: skip
    # What the model has by itself is not proposed.
    default = compose(["model=cnn"]).as_dict()
    assert "activation=relu" not in remedies("vanishing_gradient", "conv1", default, assignment)


def noisy(x: torch.Tensor) -> torch.Tensor:
    """A function of a user's own that knows no evaluation mode."""
    return torch.relu(x) * (1 + 0.1 * torch.rand_like(x))


def test_functions_of_the_users_own_are_not_disturbed(small: Small) -> None:
    for own in (["activation.target=tests.diagnostics.test_monitor.noisy"],
                ["activation.target=torch.nn.PReLU", "trainer.precision=bf16-true"]):  # fmt: skip
        overrides = ["activation=custom", *own]
        watched = train(small(*overrides, *OFTEN))
        alone = train(small(*overrides, "health.enabled=false", "tensorboard.enabled=false"))
        assert watched.curve == alone.curve


def test_a_step_that_is_too_large_explodes(small: Small) -> None:
    sgd = ["optim.optimizer=sgd", "optim.schedule=constant", "optim.lr=1e3"]
    assert {a["kind"] for a in train(small(*sgd)).alarms} == {"exploding_gradient"}


def test_units_are_dead_with_a_bias_of_minus_ten(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Negative(session_module.ActivationModule):
        def on_fit_start(self) -> None:
            self.network.layers["hidden1"][0].bias.data.fill_(-10.0)

    monkeypatch.setattr(session_module, "ActivationModule", Negative)
    result = train(small("activation=relu", "trainer.max_steps=1"))
    first = result.alarms[0]
    assert (first["kind"], first["where"], first["step"]) == ("dying_units", "hidden1", 0)
    assert first["value"] == 1


def test_a_resumed_run_keeps_its_alarms(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    overrides = ["model.depth=10", "activation=sigmoid", "init=torch", "trainer.max_epochs=4"]
    original = session_module.ActivationModule.on_train_epoch_start

    def interrupt(self) -> None:
        if self.current_epoch == 3:
            raise KeyboardInterrupt
        original(self)

    with monkeypatch.context() as patch:
        patch.setattr(session_module.ActivationModule, "on_train_epoch_start", interrupt)
        with pytest.raises(RunInterrupted) as stop:
            train(small(*overrides))
    before = read_result(Path(stop.value.result.directory)).alarms
    assert before
    assert before[0]["remedies"][0] == "activation=relu"
    after = train(small(*overrides, "resume=auto", "health.enabled=false")).alarms
    assert after == before


def test_functions_named_against_vanishing_keep_the_gradient() -> None:
    from activation_search.activations import gains

    for name in KEEPS_GRADIENT:
        # Variance of the gradient that one layer keeps, at the gain that keeps the signal.
        kept = (gains(name).forward / gains(name).backward) ** 2
        assert 0.8 < kept < 1.25, name
    assert (gains("sigmoid").forward / gains("sigmoid").backward) ** 2 == pytest.approx(
        0.153, abs=0.001
    )


@pytest.mark.parametrize("model", ["mlp", "cnn", "lstm", "transformer"])
def test_remedies_can_be_pasted(model: str) -> None:
    config = compose([f"model={model}", "activation=relu", "init=torch"])
    for kind in ("vanishing_gradient", "dying_units", "exploding_gradient", "saturation",
                 "scale_drift"):  # fmt: skip
        tries = remedies(kind, "total", config.as_dict(), {"a": "relu"})
        assert tries
        assert len(set(tries)) == len(tries)
        assert "activation=relu" not in tries
        for override in tries:
            changed = compose([f"model={model}", "activation=relu", "init=torch", override])
            assert changed != config
