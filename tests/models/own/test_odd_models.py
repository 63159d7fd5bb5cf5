"""Models as people write them too, whose sites are easily mistaken."""

import copy
import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm, weight_norm

import activation_search
from activation_search.diagnostics.gradients import read_gradients
from activation_search.models.network import Network
from activation_search.models.own.discover import discover


def found(model: nn.Module, *shape: int) -> Any:
    return discover(model, [torch.randn(n, *shape) for n in (2, 3)])


class ActDrop(nn.Module):
    """No activation alone: in training it drops units as well."""

    def __init__(self) -> None:
        super().__init__()
        self.act, self.drop = nn.ReLU(), nn.Dropout(0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.act(x))


class FunctionalDrop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(F.relu(x), 0.01, self.training)


class SampleDrop(nn.Module):
    """Stochastic depth: whole samples are left out."""

    def forward(self, x: Tensor) -> Tensor:
        kept = torch.rand(len(x), device=x.device) > 0.1 * self.training
        return F.relu(x) * kept.view(-1, *[1] * (x.dim() - 1))


class Counts(nn.Module):
    """An activation that counts its calls, and whose ``train`` returns nothing."""

    calls = 0

    def train(self, mode: bool = True) -> None:  # type: ignore[override]
        super().train(mode)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return F.silu(x)


def test_a_unit_is_left_as_it_is() -> None:
    model = nn.Sequential(nn.Linear(4, 4), Counts(), nn.Linear(4, 3))
    [site] = found(model, 4).sites
    assert (site.name, site.unit, str(site.site.default)) == ("model_1", True, "silu")
    assert model[1].calls == 0


@pytest.mark.parametrize(
    ("block", "name"),
    [(ActDrop, "model_1_act"), (FunctionalDrop, "model_1_relu"), (SampleDrop, "model_1_relu")],
)
def test_dropout_stays_where_it_is(block: type[nn.Module], name: str) -> None:
    model = nn.Sequential(nn.Linear(64, 64), block(), nn.Linear(64, 3))
    assert [site.name for site in found(model, 64).sites] == [name]
    replaced = activation_search.replace(model, "gelu", sample=torch.randn(2, 64)).train()
    x = torch.randn(500, 64)
    assert not torch.equal(replaced(x), replaced(x))


class AfterLSTM(nn.Module):
    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.conv, self.lstm = (
            nn.Conv1d(2, 16, 3, padding=1),
            nn.LSTM(16, 24, batch_first=True, **settings),
        )
        width = settings.get("proj_size") or 24 * (1 + settings.get("bidirectional", False))
        self.head = nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        h, _ = self.lstm(self.conv(x).transpose(1, 2))
        return self.head(F.relu(h).mean(1))


@pytest.mark.parametrize(
    ("settings", "channels"), [({}, 24), ({"bidirectional": True}, 48), ({"proj_size": 5}, 5)]
)
def test_channels_behind_an_lstm(settings: dict[str, Any], channels: int) -> None:
    seen = found(AfterLSTM(**settings), 2, 40)
    [site] = seen.sites
    assert (site.channels, site.channel_dim, site.after) == (channels, -1, "lstm")
    assert seen.layers == ["conv", "lstm", "head"]


@pytest.mark.parametrize("norm", [spectral_norm, weight_norm])
def test_channels_behind_a_parametrised_layer(norm: Any) -> None:
    model = nn.Sequential(
        norm(nn.Conv2d(3, 8, 3, bias=False)), nn.PReLU(8), nn.Flatten(), nn.Linear(8 * 49, 3)
    )
    seen = found(model, 3, 9, 9)
    [site] = seen.sites
    assert (site.channels, site.channel_dim, site.after) == (8, 1, "0")
    assert seen.layers == ["0", "3"]


class SoftplusByHand(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.log(1 + torch.exp(x))


class Reparametrised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.reparametrizations = nn.ModuleDict({"a": nn.Linear(4, 4)})
        self.parametrizations = nn.ModuleDict({"b": nn.Linear(4, 3)})

    def forward(self, x: Tensor) -> Tensor:
        return self.parametrizations["b"](F.relu(self.reparametrizations["a"](x)))


def test_parts_that_are_only_called_parametrizations() -> None:
    seen = found(Reparametrised(), 4)
    assert seen.layers == ["reparametrizations.a", "parametrizations.b"]
    assert seen.sites[0].after == "reparametrizations.a"


@pytest.mark.parametrize(
    ("function", "name"),
    [
        (nn.Hardtanh(0, 20), "own (Hardtanh)"),
        (nn.Hardtanh(-10, 10), "own (Hardtanh)"),
        (nn.ReLU(), "relu"),
        (nn.ReLU6(), "relu6"),
        (nn.Softplus(), "softplus"),
        (SoftplusByHand(), "softplus"),
        (nn.Hardswish(), "hardswish"),
    ],
)
def test_functions_are_told_apart_far_out(function: nn.Module, name: str) -> None:
    model = nn.Sequential(nn.Linear(4, 4), function, nn.Linear(4, 3))
    [site] = found(model, 4).sites
    assert str(site.site.default).partition("(neg")[0] == name


class WritesIntoItsInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.relu = nn.Linear(4, 3), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu(x.sub_(1.0).mul_(2.0)))


def test_a_sample_is_left_as_it_is() -> None:
    x = torch.randn(5, 4)
    before = x.clone()
    activation_search.sites(WritesIntoItsInput(), sample=x)
    activation_search.replace(WritesIntoItsInput(), "gelu", sample=x)
    assert torch.equal(x, before)


class NamedAsACall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.relu, self.relu_1 = nn.Linear(4, 4), nn.ReLU(), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.relu_1(self.fc(self.relu(self.fc(self.relu(self.fc(x)))))))


def test_every_site_has_a_name_of_its_own() -> None:
    assert [site.name for site in found(NamedAsACall(), 4).sites] == ["relu", "relu_1", "relu_1_1"]


class Gated(nn.Module):
    """An activation of a vector that no batch dimension has."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(1, 8, 3), nn.Parameter(torch.zeros(8))
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv(x)) * torch.sigmoid(self.gate)[:, None, None]
        return self.head(x.mean((2, 3)))


def test_a_function_of_a_vector() -> None:
    assert [site.name for site in found(Gated(), 1, 8, 8).sites] == ["relu", "sigmoid"]


class Attribute(nn.Module):
    def __init__(self, function: Any, *args: Any, **kwargs: Any) -> None:
        super().__init__()
        self.fc, self.act, self.head = nn.Linear(4, 4), function, nn.Linear(4, 3)
        self.given = (args, kwargs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.fc(x), *self.given[0], **self.given[1]))


@pytest.mark.parametrize(
    ("model", "default"),
    [
        (Attribute(F.relu), "relu"),
        (Attribute(F.relu, inplace=True), "relu"),
        (Attribute(F.leaky_relu, 0.2), "leaky_relu(negative_slope=0.2)"),
        (Attribute(F.gelu, approximate="tanh"), "gelu_tanh"),
    ],
)
def test_functions_kept_as_attributes(model: nn.Module, default: str) -> None:
    [site] = found(model, 4).sites
    assert str(site.site.default) == default
    x = torch.randn(3, 4)
    expected = model.head(torch.tanh(model.fc(x)))
    replaced = activation_search.replace(model, "tanh", sample=x)
    torch.testing.assert_close(replaced(x), expected)


class Attends(nn.Module):
    """One place behind several layers, each of which uses weights of a layer that it never calls:
    torch's attention projects its output by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.ModuleList(
            nn.MultiheadAttention(4, 2, batch_first=True) for _ in range(3)
        )
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.attention:
            x = F.relu(layer(x, x, x, need_weights=False)[0])
        return self.head(x.mean(1))


def test_one_place_behind_layers_that_use_the_weights_of_others() -> None:
    torch.manual_seed(0)
    x, model = torch.randn(2, 5, 4), Attends()
    assert [site.name for site in found(model, 5, 4).sites] == ["relu", "relu_1", "relu_2"]
    changed = activation_search.replace(model, {"relu": "tanh", "relu_2": "silu"}, sample=x)
    expected = x
    for layer, act in zip(model.attention, (torch.tanh, F.relu, F.silu), strict=True):
        expected = act(layer(expected, expected, expected, need_weights=False)[0])
    torch.testing.assert_close(changed(x), model.head(expected.mean(1)), rtol=0, atol=0)


class ByHand(nn.Module):
    """One place, and layers whose weights it uses without calling them."""

    def __init__(self, called_first: bool) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(2))
        self.head = nn.Linear(4, 3)
        self.called_first = called_first

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x) if self.called_first else x
        for layer in self.layers:
            x = F.relu(F.linear(x, layer.weight, layer.bias))
        return self.head(x)


@pytest.mark.parametrize("called_first", [True, False])
def test_layers_that_are_never_called_share_the_site_of_their_place(called_first: bool) -> None:
    model = ByHand(called_first)
    assert [site.name for site in found(model, 4).sites] == ["relu"]
    changed = activation_search.replace(model, "tanh", sample=torch.randn(2, 4))
    x = torch.randn(2, 4)
    expected = model.first(x) if called_first else x
    for layer in model.layers:
        expected = layer(expected).tanh()
    torch.testing.assert_close(changed(x), model.head(expected), rtol=0, atol=0)


class ByHandConvolution(nn.Module):
    """Its weights are standardised before they are used, so that no layer of torch's is called."""

    def __init__(self, scaled: bool) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(6, 4, 3, 3)), nn.Parameter(torch.ones(6))
        self.scaled = scaled

    def forward(self, x: Tensor) -> Tensor:
        if self.scaled:
            return F.conv2d(x, self.weight * 0.5, padding=1)
        return F.conv2d(x, self.weight, self.bias, padding=1)


class ByHandTransposed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, 3, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv_transpose2d(x, self.weight, None, 1, 1, 0, 2)  # in two groups


class AddsBias(nn.Module):
    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.conv, self.bias = nn.Conv2d(4, 6, 3, padding=1), nn.Parameter(torch.ones(shape))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x) + self.bias


@pytest.mark.parametrize(
    "first",
    [
        ByHandConvolution(False),
        ByHandConvolution(True),
        ByHandTransposed(),
        AddsBias(1, 6, 6, 8),
        AddsBias(1, 6, 1, 1),
        AddsBias(6, 1, 1),
        AddsBias(1),
        AddsBias(),
    ],
)
def test_channels_behind_weights_used_by_hand(first: nn.Module) -> None:
    model = nn.Sequential(first, nn.ReLU(), nn.Conv2d(6, 3, 1))
    [site] = found(model, 4, 6, 8).sites  # six rows, too
    assert (site.channels, site.channel_dim) == (6, 1)


class AddsPosition(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.pos = nn.Linear(5, 6), nn.Parameter(torch.zeros(1, 8, 7, 6))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x) + self.pos


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 4, 3))

    def forward(self, x: Tensor) -> Tensor:
        return F.conv1d(x, self.weight * 0.5, padding=1)


@pytest.mark.parametrize(
    ("first", "shape", "expected"),
    [
        (AddsPosition(), (8, 7, 5), (6, -1, "")),
        (Line(), (4, 10), (6, 1, "0")),
        (nn.Conv2d(1, 1, 1), (1, 8, 8), (1, 1, "0")),
        (nn.Sequential(nn.Linear(4, 8), nn.Unflatten(1, (8, 1)), nn.Linear(1, 1)), (4,),
         (1, -1, "0.2")),
    ],
)  # fmt: skip
def test_channels_of_other_layouts(
    first: nn.Module, shape: tuple[int, ...], expected: tuple[int, int, str]
) -> None:
    [site] = found(nn.Sequential(first, nn.ReLU(), Pooled()), *shape).sites
    assert (site.channels, site.channel_dim) == expected[:2]
    assert site.after.startswith(expected[2])


class Pooled(nn.Module):
    """A head for any shape."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(1, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(x.flatten(1).mean(1, keepdim=True))


class Recurs(nn.Module):
    """One place behind weights by hand, between whose uses another layer is called."""

    def __init__(self) -> None:
        super().__init__()
        self.matrix, self.out = nn.Parameter(torch.randn(4, 4)), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        h, total = torch.zeros(4), torch.zeros(3)
        for t in range(x.shape[1]):
            h = torch.tanh((x[:, t] + h) @ self.matrix)
            total = total + self.out(h)
        return total


def test_a_step_that_runs_again_is_one_site() -> None:
    assert [site.name for site in found(Recurs(), 5, 4).sites] == ["tanh"]


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb, self.fc = nn.Embedding(9, 4), nn.Linear(4, 4)
        self.head = nn.Linear(4, 9, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.gelu(self.fc(self.emb(x))))


def test_tied_weights_are_of_both_layers_in_their_order() -> None:
    batches = [torch.randint(9, (n, 5)) for n in (2, 3)]
    assert discover(Tied(), batches).layers == ["emb", "fc", "head"]


class HasOwnParameter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb, self.head = nn.Linear(4, 8), nn.Linear(8, 3)
        self.pos, self.norm = nn.Parameter(torch.ones(1, 8)), nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.norm(F.relu(self.emb(x) + self.pos)))


@pytest.mark.parametrize(
    ("model", "batch"),
    [(HasOwnParameter(), torch.randn(2, 4)), (Tied(), torch.randint(9, (2, 5)))],
)
def test_a_layer_has_its_own_gradients_and_the_total_each_once(
    model: nn.Module, batch: Tensor
) -> None:
    model(batch).square().sum().backward()
    modules = dict(model.named_modules())
    paths = discover(copy.deepcopy(model), [batch, batch[:1]]).layers
    network = Network({})
    network.user = model
    del network.layers
    network.layers = {path or "model": modules[path] for path in paths}  # type: ignore[assignment]
    reading = read_gradients(network)
    norms = {
        name: float(p.grad.norm()) for name, p in model.named_parameters() if p.grad is not None
    }
    assert reading.total == pytest.approx(math.hypot(*norms.values()))
    if isinstance(model, Tied):
        assert list(reading.layers) == ["emb", "fc", "head"]
        assert reading.layers["head"].norm == pytest.approx(norms["emb.weight"])
    else:
        assert list(reading.layers) == ["emb", "model", "head"]
        assert reading.layers["model"].norm == pytest.approx(norms["pos"])


def test_functions_that_draw_are_sites() -> None:
    for act in (nn.RReLU(), nn.RReLU(0.05, 0.1)):
        model = nn.Sequential(nn.Linear(4, 8), act, nn.Linear(8, 3))
        assert [site.name for site in found(model, 4).sites] == ["model_1"]
        changed = activation_search.replace(model, "rrelu", sample=torch.randn(2, 4))
        drawn = changed.eval()[1].only[0] if act.lower == 0.05 else changed.eval()[1]
        assert (drawn.lower, drawn.upper) == (0.125, pytest.approx(1 / 3))
