"""Parameter groups, optimizers, schedules."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from activation_search.config.models import MLPConfig
from activation_search.config.optim import OPTIMIZERS, OptimConfig
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.factory import build_network
from activation_search.models.network import Network
from activation_search.training.optim import (
    build_optimizer,
    build_schedule,
    check_own_optimizer,
    parameter_groups,
)


def network(activation: str = "prelu") -> Network:
    config = MLPConfig("mlp", depth=2, width=8, dropout=0.0, norm="layer", residual=False)
    return build_network(config, {"name": activation}, Sample("series", (5, 1)), 3)


def test_only_weights_are_decayed_and_activations_have_their_own_rate() -> None:
    config = OptimConfig(lr=0.01, weight_decay=0.1, activation_lr_factor=5.0)
    groups = {g["name"]: g for g in parameter_groups(network(), config)}
    assert [g["weight_decay"] for g in groups.values()] == [0.1, 0.0, 0.0]
    assert [g["lr"] for g in groups.values()] == pytest.approx([0.01, 0.01, 0.05])
    shapes = {name: [tuple(p.shape) for p in g["params"]] for name, g in groups.items()}
    assert shapes["weights"] == [(8, 5), (8, 8), (3, 8)]
    assert shapes["activations"] == [(8,), (8,)]
    # Biases of three layers, and weight and bias of two norms.
    assert len(shapes["biases"]) == 3 + 2 * 2


def test_two_dimensional_activation_parameters_are_not_decayed() -> None:
    groups = {g["name"]: g for g in parameter_groups(network("apl"), OptimConfig(weight_decay=0.1))}
    assert {tuple(p.shape) for p in groups["activations"]["params"]} == {(3, 8)}


def test_no_empty_group() -> None:
    names = [g["name"] for g in parameter_groups(network("relu"), OptimConfig())]
    assert names == ["weights", "biases"]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_downhill(name: str) -> None:
    model = network()
    # RAdam's first steps are plain momentum and small.
    config = OptimConfig(optimizer=name, lr=0.05 if name == "radam" else 0.01)
    optimizer = build_optimizer(parameter_groups(model, config), config, fused=True)
    torch.manual_seed(0)
    x, y = torch.randn(64, 5, 1), torch.randint(3, (64,))
    losses = []
    for _ in range(30):
        loss = torch.nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.9 * losses[0]


def test_fused_and_plain_kernels_agree() -> None:
    weights = []
    for fused in (False, True):
        model = network()
        config = OptimConfig(optimizer="adamw", weight_decay=0.1)
        optimizer = build_optimizer(parameter_groups(model, config), config, fused=fused)
        x = torch.linspace(-1, 1, 40).view(8, 5, 1)
        for _ in range(3):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    torch.testing.assert_close(*weights)


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cosine", {0: 0.1, 50: 0.05, 100: 0.0}),
        # One-cycle rises to its peak at 30% of the steps, from 1/25 to 1/250000 of it.
        ("one_cycle", {0: 0.1 / 25, 29: 0.1, 99: 0.1 / 250_000}),
    ],
)
def test_schedules(schedule: str, expected: dict[int, float]) -> None:
    config = OptimConfig(optimizer="sgd", lr=0.1, schedule=schedule)
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    scheduler = build_schedule(optimizer, config, steps=100)
    assert scheduler is not None
    rates = {}
    for step in range(101):
        rates[step] = optimizer.param_groups[0]["lr"]
        optimizer.step()
        if step < 100 - (schedule == "one_cycle"):
            scheduler.step()
    assert {step: rates[step] for step in expected} == pytest.approx(expected, abs=1e-6)


def test_a_single_step_is_taken_at_the_rate_that_was_asked_for() -> None:
    """One-cycle would begin and end with it, near 0."""
    config = OptimConfig(optimizer="sgd", lr=0.1, schedule="one_cycle")
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    assert build_schedule(optimizer, config, steps=1) is None
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_schedules_keep_the_factor_between_groups() -> None:
    config = OptimConfig(lr=0.01, schedule="one_cycle", activation_lr_factor=3.0)
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    assert build_schedule(optimizer, config, steps=50) is not None
    weights, _, activations = (group["lr"] for group in optimizer.param_groups)
    assert activations / weights == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"optimizer": "adam", "betas": [0.8, 0.95], "eps": 1e-5}, {"betas": (0.8, 0.95)}),
        ({"optimizer": "rmsprop", "eps": 1e-5}, {"eps": 1e-5, "momentum": 0.9}),
        ({"optimizer": "sgd", "nesterov": True}, {"nesterov": True, "momentum": 0.9}),
        ({"optimizer": "adamw"}, {"betas": (0.9, 0.999), "eps": 1e-8}),
    ],
)
def test_settings_that_some_optimizers_have(
    given: dict[str, Any], expected: dict[str, Any]
) -> None:
    config = OptimConfig(**given)
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    for group in optimizer.param_groups:
        assert {key: group[key] for key in expected} == expected


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module with optimizers and schedules of the user's own; its name."""
    name = f"optim_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(
        "import torch\n\n\n"
        "class Slow(torch.optim.SGD):\n"
        "    def __init__(self, params, lr, slower=1.0):\n"
        "        super().__init__(params, lr=lr)\n"
        "        for group in self.param_groups:\n"
        "            group['lr'] /= slower\n\n\n"
        "def without_rate(groups):\n    return torch.optim.SGD(groups)\n\n\n"
        "def nothing(groups):\n    return None\n\n\n"
        "def falling(optimizer, total_steps, power=1):\n"
        "    fall = lambda step: (1 - step / total_steps) ** power\n"
        "    return torch.optim.lr_scheduler.LambdaLR(optimizer, fall)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_an_optimizer_of_ones_own(mine: str) -> None:
    config = OptimConfig(
        lr=0.2, weight_decay=0.1, activation_lr_factor=5, target=f"{mine}.Slow", args={"slower": 2}
    )
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=True)
    assert type(optimizer).__name__ == "Slow"
    # Its groups are those of every optimizer: with their own rates and decay.
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.1, 0.1, 0.5])
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0, 0]
    check_own_optimizer(OptimConfig(lr=0.2, target=f"{mine}.without_rate"))
    assert config.label == "Slow"


def test_a_schedule_of_ones_own_is_told_the_number_of_steps(mine: str) -> None:
    config = OptimConfig(
        optimizer="sgd",
        lr=0.1,
        schedule_target=f"{mine}.falling",
        schedule_args={"power": 2},
    )
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    schedule = build_schedule(optimizer, config, steps=10)
    assert schedule is not None
    for _ in range(5):
        optimizer.step()
        schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.25)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"target": "{}.missing"}, "names nothing callable"),
        ({"target": "{}.nothing"}, r"must give a torch\.optim\.Optimizer, not a NoneType"),
        ({"target": "{}.Slow", "args": {"faster": 2}}, "Slow failed: TypeError: .*'faster'"),
        # Torch's own for matrices alone.
        ({"target": "torch.optim.Muon"}, "Muon failed: ValueError: .*2D"),
        ({"schedule_target": "{}.nothing"}, "must give a schedule"),
        ({"schedule_target": "{}.falling", "schedule_args": {"x": 1}}, "falling failed"),
    ],
)
def test_mistakes_in_them(settings: dict[str, Any], message: str, mine: str) -> None:
    named = {k: v.format(mine) if isinstance(v, str) else v for k, v in settings.items()}
    with pytest.raises(UserError, match=message):
        check_own_optimizer(OptimConfig(**named))


def test_constant_needs_no_schedule() -> None:
    config = OptimConfig(schedule="constant")
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    assert build_schedule(optimizer, config, steps=10) is None
