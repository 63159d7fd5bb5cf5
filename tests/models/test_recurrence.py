"""The recurrence with its gradient written out, against autograd through the cell as it is."""

import copy
import pickle
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from activation_search.activations import Activation, build, catalogue
from activation_search.models.factory import build_network
from activation_search.models.lstm import LSTM, LSTMLayer
from activation_search.models.network import Network

from .conftest import CONFIGS, SERIES

FIXED = [entry.name for entry in catalogue.ENTRIES.values() if entry.family == "fixed"]


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which of the two ways each layer took."""
    taken: list[str] = []
    for way in ("trained", "step_by_step"):
        own = getattr(LSTMLayer, way)

        def note(self: LSTMLayer, *args: object, own=own, way: str = way) -> Tensor:
            taken.append(way)
            return own(self, *args)

        monkeypatch.setattr(LSTMLayer, way, note)
    return taken


def lstm(activation: object) -> LSTM:
    given = activation if isinstance(activation, dict) else {"name": activation}
    network = build_network(CONFIGS["lstm"], given, SERIES, 10)
    assert isinstance(network, LSTM)
    return network


def gradients(network: nn.Module, y: Tensor, x: Tensor) -> list[Tensor]:
    wanted = [x, *network.parameters()]
    return list(torch.autograd.grad(y.square().sum(), wanted))


@pytest.mark.parametrize("name", FIXED)
def test_values_and_gradients_are_those_of_autograd(name: str) -> None:
    torch.manual_seed(0)
    layer = LSTMLayer(3, 4, Activation("relu")).double()
    function = build(name)
    x = torch.randn(5, 7, 3, dtype=torch.double, requires_grad=True)
    gate = nn.Sigmoid()
    expected = layer.step_by_step(x, [gate, gate, function, gate, function])
    found = layer.trained(x, function, function)
    torch.testing.assert_close(found, expected)
    for a, b in zip(gradients(layer, found, x), gradients(layer, expected, x), strict=True):
        torch.testing.assert_close(a, b)


@pytest.mark.parametrize(
    ("activation", "expected"),
    [
        ("gelu", "trained"),
        ({"name": "leaky_relu", "negative_slope": 0.3}, "trained"),
        ("prelu", "step_by_step"),  # its parameter has a gradient too
        ("rrelu", "step_by_step"),  # noise would be drawn twice
        ("swiglu", "step_by_step"),  # mixes channels
        ({"name": "default", "layers": {"*forget_gate": "hard_sigmoid"}}, "step_by_step"),
    ],
)
def test_which_layers_take_it(activation: object, expected: str, ways: list[str]) -> None:
    network = lstm(activation)
    network(torch.randn(3, 12, 2))
    assert set(ways) == {expected}


def test_it_is_for_training_in_one_precision(ways: list[str]) -> None:
    network = lstm("gelu")
    x = torch.randn(3, 12, 2)
    with torch.no_grad():
        network(x)
    network.eval()
    network(x)
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        network(x)
    network.expose_sites(True)
    network(x)
    assert set(ways) == {"step_by_step"}


def expected_of(network: Network, x: Tensor) -> list[Tensor]:
    network.expose_sites(True)
    found = gradients(network, network(x), x)
    network.expose_sites(False)
    return found


def test_batches_of_other_sizes_and_several_at_once() -> None:
    network = lstm("silu")
    batches = [torch.randn(size, 12, 2, requires_grad=True) for size in (5, 3, 5)]
    network(batches[0])  # never goes backward
    outputs = [network(x) for x in batches]
    for x, y in reversed(list(zip(batches, outputs, strict=True))):
        for a, b in zip(gradients(network, y, x), expected_of(network, x), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda n: pickle.loads(pickle.dumps(n))])
def test_a_copy_trains_apart(copied: Callable[[Network], Network]) -> None:
    network = lstm("silu")
    x = torch.randn(4, 12, 2, requires_grad=True)
    gradients(network, network(x), x)  # leaves buffers behind
    twin = copied(network)
    other = torch.randn(4, 12, 2, requires_grad=True)
    y, its = network(x), twin(other)
    for found, expected in (
        (gradients(network, y, x), expected_of(network, x)),
        (gradients(twin, its, other), expected_of(twin, other)),
    ):
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b)


def test_a_module_put_in_by_hand_learns(ways: list[str]) -> None:
    network = lstm("relu")
    network.activations["lstm1_candidate"] = nn.PReLU()
    network(torch.randn(3, 12, 2)).sum().backward()
    assert network.activations["lstm1_candidate"].weight.grad is not None
    assert ways == ["step_by_step", "trained"]


@pytest.mark.parametrize("frozen", ["weight_ih_l0", "weight_hh_l0", "bias_hh_l0"])
def test_frozen_weights_and_inputs_without_gradient(frozen: str) -> None:
    network = lstm("gelu")
    getattr(network.layers["lstm1"].core, frozen).requires_grad_(False)
    x = torch.randn(4, 12, 2)
    results = []
    for exposed in (False, True):
        network.expose_sites(exposed)
        network.zero_grad()
        network(x).square().sum().backward()
        results.append([p.grad for p in network.parameters()])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b)


def test_backward_twice_is_refused() -> None:
    network = lstm("silu")
    loss = network(torch.randn(4, 12, 2)).sum()
    loss.backward(retain_graph=True)
    with pytest.raises(RuntimeError, match="once for each time forward"):
        loss.backward()
