"""Parameter groups, optimizers, schedules."""

import pytest
import torch

from activation_search.config.models import MLPConfig
from activation_search.config.parts import OPTIMIZERS, OptimConfig
from activation_search.data.sample import Sample
from activation_search.models.factory import build_network
from activation_search.models.network import Network
from activation_search.training.optim import build_optimizer, build_schedule, parameter_groups


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


def test_schedules_keep_the_factor_between_groups() -> None:
    config = OptimConfig(lr=0.01, schedule="one_cycle", activation_lr_factor=3.0)
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    assert build_schedule(optimizer, config, steps=50) is not None
    weights, _, activations = (group["lr"] for group in optimizer.param_groups)
    assert activations / weights == pytest.approx(3.0)


def test_constant_needs_no_schedule() -> None:
    config = OptimConfig(schedule="constant")
    optimizer = build_optimizer(parameter_groups(network(), config), config, fused=False)
    assert build_schedule(optimizer, config, steps=10) is None
