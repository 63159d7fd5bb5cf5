"""Site health against closed forms, and against counts made with plain hooks."""

import itertools
import math
from statistics import NormalDist

import pytest
import torch
from torch import nn

from activation_search.config.models import MLPConfig, ModelConfig
from activation_search.data.sample import Sample
from activation_search.diagnostics.site_health import measure_sites, read_sites, value_and_slope
from activation_search.models.factory import build_network
from activation_search.models.network import Network

from ..models.conftest import CONFIGS, SERIES

UNITS = 2000
PHI = NormalDist().cdf


def one_layer(name: str, **parameters: float) -> Network:
    """A network whose only site reads its input as it comes."""
    config = MLPConfig("mlp", depth=1, width=UNITS, dropout=0.0, norm="none", residual=False)
    sample = Sample("series", (UNITS, 1))
    network = build_network(config, {"name": name, **parameters}, sample, 3)
    network.layers["hidden1"] = nn.Identity()
    return network


def normal(positions: int, mean: float = 0.0, std: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return mean + std * torch.randn(positions, UNITS, 1, generator=generator)


@pytest.mark.parametrize("mean", [-1.5, -0.5, 0.5])
@pytest.mark.parametrize("positions", [1, 3])
def test_dead_share_of_relu(mean: float, positions: int) -> None:
    health = read_sites(one_layer("relu"), normal(positions, mean))["hidden1"]
    # Dead where every position is negative.
    assert health.dead == pytest.approx(PHI(-mean) ** positions, abs=0.03)
    assert health.saturated == 0
    assert health.z_mean == pytest.approx(mean, abs=0.05)
    assert health.z_std == pytest.approx(1, abs=0.05)


def test_saturated_share_of_tanh() -> None:
    health = read_sites(one_layer("tanh"), normal(1, std=10))["hidden1"]
    # 1 - tanh(z)^2 = 1 / cosh(z)^2 falls below 1e-3 at arcosh(sqrt(1000)), and below 1e-6, where a
    # unit is dead, at arcosh(1000).
    flat, dead = math.acosh(1000**0.5), math.acosh(1000)
    assert health.saturated == pytest.approx(2 * PHI(-flat / 10), abs=0.05)
    assert health.dead == pytest.approx(2 * PHI(-dead / 10), abs=0.03)


@pytest.mark.parametrize(("std", "share"), [(1000.0, 1.0), (3.0, 0.0)])
def test_a_unit_saturates_where_nearly_all_its_positions_do(std: float, share: float) -> None:
    x = normal(200, std=std)
    x[0] = 0.0  # so that none is dead
    assert read_sites(one_layer("tanh"), x)["hidden1"].saturated == share


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "softsign", "arctan"])
def test_sixty_per_cent_of_positions_are_not_enough(name: str) -> None:
    x = torch.full((100, UNITS, 1), 90.0)
    assert read_sites(one_layer(name), x)["hidden1"].saturated == 1
    x[:40] = 0.1
    assert read_sites(one_layer(name), x)["hidden1"].saturated == 0


@pytest.mark.parametrize(("at", "share"), [(-3.0, 0), (9.0, 1)])
def test_relu6_is_inactive_below_and_saturated_above(at: float, share: float) -> None:
    health = read_sites(one_layer("relu6"), torch.full((20, UNITS, 1), at))["hidden1"]
    assert health.saturated == share
    assert health.dead == 1


@pytest.mark.parametrize("name", ["relu", "elu", "softplus", "gelu", "swish_beta"])
def test_the_flat_side_of_an_unbounded_function_is_not_saturation(name: str) -> None:
    health = read_sites(one_layer(name), normal(50, mean=-12))["hidden1"]
    assert health.saturated == 0


@pytest.mark.parametrize(
    ("name", "dead"),
    [("relu", 1), ("leaky_relu", 0), ("prelu", 0), ("rrelu", 0), ("elu", 0), ("identity", 0)],
)
def test_death_is_by_derivative_for_every_function_alike(name: str, dead: float) -> None:
    assert read_sites(one_layer(name), normal(20, mean=-8))["hidden1"].dead == dead


def test_dormant_units() -> None:
    x = normal(100)
    x[:, : UNITS // 4] *= 0.01
    assert read_sites(one_layer("identity"), x)["hidden1"].dormant == 0.25
    x[:, : UNITS // 4] *= 4
    assert read_sites(one_layer("identity"), x)["hidden1"].dormant == 0


def test_a_constant_function_is_dead() -> None:
    h, slope = value_and_slope(nn.Threshold(1e9, 0.5), torch.randn(4, 3), 1)
    assert (h == 0.5).all()
    assert (slope == 0).all()


def test_outputs_of_a_constant_sum_are_not_dead() -> None:
    _, slope = value_and_slope(nn.Softmax(1), torch.randn(4, 6), 1)
    assert (slope.abs().amax(0) > 1e-3).all()
    z = torch.randn(4, 6)
    _, slope = value_and_slope(nn.Tanh(), z, 1)
    torch.testing.assert_close(slope, 1 - z.tanh().square())


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_counts_made_with_plain_hooks_agree(config: ModelConfig) -> None:
    network = build_network(config, {"name": "relu"}, SERIES, 3)
    with torch.no_grad():  # make some units die
        for layer in network.layers.values():
            for name, parameter in layer.named_parameters():
                if "bias" in name:
                    parameter[::3] -= 4.0
        if "lstm1" in network.layers:  # the first unit of the input gate is shut for good
            network.layers["lstm1"].core.bias_ih_l0[0] -= 60.0
    network.train()  # with the batch's own statistics, as readings have them
    network.expose_sites(True)
    seen: dict[str, list[torch.Tensor]] = {site: [] for site in network.activations}
    handles = [
        module.register_forward_hook(lambda m, a, out, site=site: seen[site].append(out))
        for site, module in network.activations.items()
    ]
    x = torch.randn(20, 12, 2, generator=torch.Generator().manual_seed(1))
    network(x)
    network.expose_sites(False)
    for handle in handles:
        handle.remove()
    found = read_sites(network, x)
    assert list(found) == list(seen)
    some_dead = False
    for site, outputs in seen.items():
        h = torch.cat([o.transpose(1, -1).reshape(-1, o.shape[1]) if o.dim() == 3 and
                       network.layouts[site][1] == 1 else o.reshape(-1, o.shape[-1])
                       for o in outputs])  # fmt: skip
        if network.assignment[site].name == "relu":  # dead exactly where nothing ever comes out
            dead = (h <= 0).all(0).float().mean().item()
            some_dead = some_dead or dead > 0
            assert found[site].dead == pytest.approx(dead)
        else:  # of a gate: flat where its output is 0 or 1 to the last bit
            dead = (h * (1 - h) < 1e-6).all(0).float().mean().item()
            assert found[site].dead == pytest.approx(dead)
            assert (dead > 0) == (site == "lstm1_input_gate")
        assert found[site].h_std == pytest.approx(h.std(correction=0).item(), rel=1e-4)
        assert found[site].h_mean == pytest.approx(h.mean().item(), rel=1e-4, abs=1e-6)
    assert some_dead


@pytest.mark.parametrize("name", ["swiglu", "maxmin", "crelu", "apl", "rrelu", "pwlu"])
@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_functions_of_every_kind_are_read_and_nothing_moves(config: ModelConfig, name: str) -> None:
    network = build_network(config, {"name": name}, SERIES, 3).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    state = torch.get_rng_state()
    sites = read_sites(network, torch.randn(6, 12, 2, generator=torch.Generator()))
    assert all(0 <= health.dead < 0.5 and health.h_std > 0 for health in sites.values())
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())
    assert all(p.grad is None for p in network.parameters())


def deep(name: str) -> tuple[Network, torch.Tensor]:
    config = MLPConfig("mlp", depth=10, width=400, dropout=0.0, norm="none", residual=False)
    network = build_network(config, {"name": name}, Sample("series", (400, 1)), 10, init="gain")
    return network, torch.randn(200, 400, 1, generator=torch.Generator().manual_seed(2))


def gradients_at_sites(network: Network, x: torch.Tensor) -> list[float]:
    """Variance of the gradient at each site's pre-activation."""
    kept: list[torch.Tensor] = []

    def keep(module: nn.Module, arguments: tuple[torch.Tensor]) -> None:
        arguments[0].retain_grad()
        kept.append(arguments[0])

    for module in network.activations.values():
        module.register_forward_pre_hook(keep)
    weights = torch.randn(200, 10, generator=torch.Generator().manual_seed(3))
    (network(x) * weights).sum().backward()
    return [z.grad.square().mean().item() for z in kept]


def test_sigmoid_loses_the_gradient_layer_by_layer() -> None:
    variances = gradients_at_sites(*deep("sigmoid"))
    falls = [a / b for a, b in itertools.pairwise(variances)]
    # E[f'^2] / E[f^2] over N(0, 1): 0.0447 / 0.2934.
    assert math.prod(falls) ** (1 / len(falls)) == pytest.approx(0.153, rel=0.1)


def test_relu_at_its_gain_keeps_gradient_and_signal() -> None:
    network, x = deep("relu")
    stds = [health.h_std for health in read_sites(network, x).values()]
    assert max(stds) / min(stds) < 2
    variances = gradients_at_sites(network, x)
    assert max(variances) / min(variances) < 2


def test_a_model_whose_sites_act_in_training_alone_has_no_health() -> None:
    assert measure_sites(one_layer("relu"), {}) == {}
