"""Replaced copies against the same models written out by hand: outputs and gradients."""

import copy
import pickle
import warnings
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activation_search import replace, sites

X = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


class Layers(nn.Module):
    """What the models below are made of."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.a, self.b, self.c = (nn.Linear(8, 8) for _ in range(3))
        self.act, self.prelu = nn.ReLU(), nn.PReLU(8)
        self.w = nn.Parameter(torch.full((8,), 0.3))
        self.slope = 0.1
        self.out = nn.Linear(8, 2)


class Prelus(Layers):
    def forward(self, x: Tensor) -> Tensor:
        x = F.prelu(self.a(x), self.w)
        x = F.leaky_relu(self.prelu(self.b(x)), self.slope)
        return self.out(self.act(self.c(x)))


def prelus(m: Layers, x: Tensor, act: Callable) -> Tensor:
    x = m.a(x)
    x = torch.where(x > 0, x, m.w * x)
    x = m.b(x)
    x = torch.where(x > 0, x, m.prelu.weight * x)
    x = torch.where(x > 0, x, m.slope * x)
    return m.out(act(m.c(x)))


class OneAct(Layers):
    """One module at two sites."""

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.act(self.b(self.act(self.a(x)))))


class OneCall(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.a(x)))

    def train_step(self, x: Tensor) -> Tensor:
        return self(x).sum()


class ToTheEnd(Layers):
    """The last turn of the loop acts on the output, which is no site."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.a, self.b, self.c):
            x = F.relu(layer(x))
        return x


class ModuleToTheEnd(Layers):
    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.a, self.b, self.c):
            x = self.act(layer(x))
        return x


class Before(Layers):
    """Activations before the layers: the first acts on the input."""

    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.a, self.b, self.c):
            x = layer(F.relu(x))
        return self.out(x)


class ModuleBefore(Layers):
    def forward(self, x: Tensor) -> Tensor:
        for layer in (self.a, self.b, self.c):
            x = layer(self.act(x))
        return self.out(x)


class Twice(Layers):
    """One block under two names and in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.x = self.y = nn.Sequential(self.a, nn.ReLU())
        self.blocks = nn.ModuleList([nn.Sequential(self.b, nn.ReLU())] * 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.y(self.x(x))
        for block in self.blocks:
            x = block(x)
        return self.out(x)


def twice(m: Twice, x: Tensor) -> Tensor:
    x = F.silu(m.a(F.silu(m.a(x))))
    for _ in range(3):
        x = torch.tanh(m.b(x))
    return m.out(x)


def to_the_end(m: Layers, x: Tensor) -> Tensor:
    return F.relu(m.c(torch.tanh(m.b(F.silu(m.a(x))))))


def before(m: Layers, x: Tensor) -> Tensor:
    return m.out(m.c(F.gelu(m.b(torch.tanh(m.a(F.silu(x)))))))


CASES = [
    (Prelus, ["prelu", "prelu_1", "leaky_relu", "act"], {"act": "silu"},
     lambda m, x: prelus(m, x, F.silu)),
    (OneAct, ["act", "act_1"], {"act": "silu", "act_1": "tanh"},
     lambda m, x: m.out(torch.tanh(m.b(F.silu(m.a(x)))))),
    (OneCall, ["relu"], {"relu": "silu"}, lambda m, x: m.out(F.silu(m.a(x)))),
    (ToTheEnd, ["relu", "relu_1"], {"relu": "silu", "relu_1": "tanh"}, to_the_end),
    (ModuleToTheEnd, ["act", "act_1"], {"act": "silu", "act_1": "tanh"}, to_the_end),
    (Before, ["relu", "relu_1", "relu_2"],
     {"relu": "silu", "relu_1": "tanh", "relu_2": "gelu"}, before),
    (ModuleBefore, ["act", "act_1", "act_2"],
     {"act": "silu", "act_1": "tanh", "act_2": "gelu"}, before),
    (Twice, ["x_1", "blocks_0_1"], {"x_1": "silu", "blocks_0_1": "tanh"}, twice),
]  # fmt: skip


def outcome(model: nn.Module, compute: Callable) -> dict[str, Tensor]:
    model.zero_grad()
    x = X.clone().requires_grad_()
    y = compute(x)
    y.square().sum().backward()
    grads = {name: p.grad for name, p in model.named_parameters() if p.grad is not None}
    return {"y": y.detach(), "x": x.grad, **grads}


@pytest.mark.parametrize(("kind", "names", "given", "by_hand"), CASES)
def test_it_is_the_model_written_by_hand(
    kind: type[Layers], names: list[str], given: dict, by_hand: Callable
) -> None:
    net = kind()
    assert [site.name for site in sites(net, X)] == names
    model = replace(net, given, sample=X)
    assert set(net.state_dict()) <= set(model.state_dict())
    model.load_state_dict(net.state_dict())
    for _ in range(2):  # nothing is left of the first run
        found = outcome(model, model)
        expected = outcome(net, lambda x: by_hand(net, x))
        assert set(found) == set(expected)
        for name, value in expected.items():
            torch.testing.assert_close(found[name], value, rtol=0, atol=1e-6)


def test_what_stays_the_models_own_is_its_own() -> None:
    net = Prelus()
    model = replace(net, {"act": "silu"}, sample=X)
    originals = set(net.parameters())
    assert not any(parameter in originals for parameter in model.parameters())
    with torch.no_grad():
        model.w.fill_(0.7)
        model.prelu.weight.fill_(0.6)
    model.slope = 0.9
    torch.testing.assert_close(model(X), prelus(model, X, F.silu), rtol=0, atol=1e-6)
    assert net.w[0] == 0.3
    assert net.prelu.weight[0] == 0.25


def test_a_replaced_prelu_keeps_its_key_and_learns_no_more() -> None:
    net = Prelus()
    model = replace(net, "silu", sample=X)
    assert set(net.state_dict()) == set(model.state_dict())
    assert "prelu.weight" not in dict(model.named_parameters())
    model.load_state_dict(net.state_dict())


@pytest.mark.parametrize("kind", [OneCall, OneAct])
def test_compiled_it_computes_the_same(kind: type[Layers]) -> None:
    model = replace(kind(), {"relu" if kind is OneCall else "act": "silu"}, sample=X)
    expected = model(X)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about what it leaves out
        torch.testing.assert_close(torch.compile(model, backend="eager")(X), expected)
        outer = nn.Sequential(model)
        outer.compile(backend="eager")
        torch.testing.assert_close(outer(X), expected)
        model.compile(backend="eager")
        torch.testing.assert_close(model(X), expected)


def test_forward_called_by_hand_and_copies() -> None:
    model = replace(OneCall(), "silu", sample=X)
    expected = model.out(F.silu(model.a(X)))
    torch.testing.assert_close(model.forward(X), expected)
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        with torch.no_grad():
            model.a.weight.add_(1.0)
        torch.testing.assert_close(other(X), expected)
        torch.testing.assert_close(other.forward(X), expected)
        with torch.no_grad():
            model.a.weight.sub_(1.0)


def test_new_parts_follow_the_model() -> None:
    resting = replace(OneAct().eval(), "rrelu", sample=X)
    assert not any(module.training for module in resting.modules())
    torch.testing.assert_close(resting(X), resting(X), rtol=0, atol=0)
    double = replace(OneCall().double(), "prelu", sample=X.double())
    assert {value.dtype for value in double.state_dict().values()} == {torch.float64}
    partly = OneAct()
    partly.act.eval()
    copied = replace(partly, "rrelu", sample=X)
    assert copied.training
    assert not copied.activation_sites["act"].training


def test_hooks_on_an_activation_see_what_replaces_it() -> None:
    net, seen = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)), []
    net[1].register_forward_hook(lambda module, args, out: seen.append(out))
    model = replace(net, "silu", sample=X)
    seen.clear()
    model(X)
    [out] = seen
    torch.testing.assert_close(out, F.silu(net[0](X)))
