"""Pre-activations are what the layers put out, and taking them disturbs nothing."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from activation_search.config.models import FunctionModelConfig, ModelConfig
from activation_search.data.sample import Sample
from activation_search.diagnostics.probe import evaluating, preactivations
from activation_search.diagnostics.site_health import read_sites
from activation_search.models.factory import build_network

from ..models.conftest import CONFIGS, SERIES


def test_values_of_an_mlp() -> None:
    network = build_network(CONFIGS["mlp"], {"name": "relu"}, SERIES, 3)
    x = torch.randn(5, 12, 2)
    seen = preactivations(network, x)
    first = network.layers["hidden1"](x.flatten(1))
    torch.testing.assert_close(seen["hidden1"], first)
    torch.testing.assert_close(seen["hidden2"], network.layers["hidden2"](first.relu()))


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_every_site_is_seen_and_nothing_moves(config: ModelConfig) -> None:
    network = build_network(config, {"name": "rrelu"}, SERIES, 3).train()
    before = {k: v.clone() for k, v in network.state_dict().items()}
    torch.manual_seed(3)
    state = torch.get_rng_state()
    seen = preactivations(network, torch.randn(4, 12, 2, generator=torch.Generator()))
    assert list(seen) == list(network.activations)
    assert torch.equal(torch.get_rng_state(), state)
    assert network.training
    assert all(torch.equal(v, before[k]) for k, v in network.state_dict().items())


def test_sites_of_an_lstm_hold_all_time_steps() -> None:
    network = build_network(CONFIGS["lstm"], {"name": "default"}, SERIES, 3)
    seen = preactivations(network, torch.randn(4, 12, 2))
    assert {tuple(z.shape) for z in seen.values()} == {(12 * 4, 8)}
    assert not network.exposed


def test_parts_that_were_frozen_stay_so() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(0.5)).train()
    model[1].eval()
    with evaluating(model):
        assert not any(part.training for part in model.modules())
    assert [part.training for part in model.modules()] == [True, True, False, True]


class Merged(nn.Linear):
    """Changes its weights at each change of its mode, as low-rank adapters do."""

    merged = False

    def train(self, mode: bool = True) -> "Merged":
        if self.merged == mode:
            self.weight.data += -1 if mode else 1
            self.merged = not mode
        return super().train(mode)


def test_what_a_change_of_mode_does_is_undone() -> None:
    model = nn.Sequential(Merged(3, 3)).train()
    before = model[0].weight.detach().clone()
    with evaluating(model):
        torch.testing.assert_close(model[0].weight, before + 1)
    torch.testing.assert_close(model[0].weight, before)


class Gates(nn.Module):
    """Activations of a vector, and of a single number."""

    def __init__(self, outputs: int):
        super().__init__()
        self.fc, self.head = nn.Linear(4, 8), nn.Linear(8, outputs)
        self.alpha, self.gate = nn.Parameter(torch.tensor(0.3)), nn.Parameter(torch.zeros(8))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = F.relu(self.fc(x))
        return self.head(h + torch.sigmoid(self.alpha) * h * F.softplus(self.gate))


def test_gates_that_no_sample_passes() -> None:
    config = FunctionModelConfig(function=f"{__name__}.Gates")
    network = build_network(config, {"name": "default"}, Sample("vector", (4,)), 3)
    seen = preactivations(network, torch.randn(5, 4))
    assert {site: tuple(z.shape) for site, z in seen.items()} == {"relu": (5, 8), "softplus": (8,)}
    assert set(read_sites(network, torch.randn(5, 4))) == {"relu", "softplus"}


class Growing(nn.Module):
    def __init__(self, outputs: int):
        super().__init__()
        self.fc, self.act, self.relu = nn.Linear(4, 8), nn.ReLU(), nn.ReLU()
        self.head = nn.Linear(8, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.relu(self.fc(x))
        return self.head(h + sum(F.pad(self.act(h[:, :k]), (0, 8 - k)) for k in (4, 8)))


def test_a_site_whose_channels_vary_has_no_units() -> None:
    config = FunctionModelConfig(function=f"{__name__}.Growing")
    network = build_network(config, {"name": "default"}, Sample("vector", (4,)), 3)
    seen = preactivations(network, torch.randn(5, 4))
    assert list(seen) == ["relu"]
