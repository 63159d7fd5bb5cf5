"""Models that need a closer look, or cannot be used: what is found, and what is said."""

import random

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activation_search import replace, sites
from activation_search.errors import UserError

X = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)


class Scaled(nn.Module):
    def forward(self, x: Tensor, scale: float = 1.0) -> Tensor:
        return torch.tanh(x * scale)


class WithArguments(Layers):
    def __init__(self) -> None:
        super().__init__()
        self.t = Scaled()

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.b(self.t(self.a(x), 2.0))))


class RandomSlope(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.b(F.rrelu(self.a(x), training=self.training))))


class TwoSlopes(Layers):
    """A helper with two slopes behind one layer."""

    def act(self, x: Tensor, slope: float) -> Tensor:
        return F.leaky_relu(x, slope)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x)
        return self.out(F.relu(self.b(self.act(x, 0.1) + self.act(-x, 0.5))))


class Drawn(Layers):
    """Random through Python's generator and NumPy's old one."""

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x) * random.random() + float(np.random.randn())  # noqa: NPY002
        return self.out(F.relu(x))


class ByKeyword(Layers):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(torch.tanh(input=self.b(F.threshold(self.a(x), 0.1, 0.0))))


COUNT = [0]


class Counts(Layers):
    def forward(self, x: Tensor) -> Tensor:
        COUNT[0] += 1
        return self.out(F.relu(self.a(x)) * COUNT[0])


class Keeps(Layers):
    def forward(self, x: Tensor) -> Tensor:
        self.h = F.relu(self.a(x))
        return self.out(self.h)


def rest(m: Layers, x: Tensor) -> Tensor:
    return m.out(F.silu(m.b(x)))


def two_slopes(m: Layers, x: Tensor) -> Tensor:
    x = m.a(x)
    return rest(m, F.leaky_relu(x, 0.1) + F.leaky_relu(-x, 0.5))


@pytest.mark.parametrize(
    ("kind", "site", "by_hand"),
    [
        (WithArguments, "relu", lambda m, x: rest(m, torch.tanh(2 * m.a(x)))),
        (WithArguments, "t_tanh", lambda m, x: m.out(F.relu(m.b(F.silu(2 * m.a(x)))))),
        (RandomSlope, "relu", lambda m, x: rest(m, F.rrelu(m.a(x), training=m.training))),
        (TwoSlopes, "relu", two_slopes),
        (ByKeyword, "tanh", lambda m, x: rest(m, F.threshold(m.a(x), 0.1, 0.0))),
        (ByKeyword, "threshold", lambda m, x: m.out(torch.tanh(m.b(F.silu(m.a(x)))))),
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_calls_keep_what_they_say(kind: type, site: str, by_hand, training: bool) -> None:
    model = replace(kind(), {site: "silu"}, sample=X).train(training)
    outcomes = []
    for compute in (model, lambda x: by_hand(model, x)):
        torch.manual_seed(0)
        model.zero_grad()
        y = compute(X)
        y.square().sum().backward()
        outcomes.append([y.detach(), *(p.grad.clone() for p in model.parameters())])
    for a, b in zip(*outcomes, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-6)


def test_every_generator_is_as_it_was() -> None:
    states = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    assert [site.name for site in sites(Drawn(), X)] == ["relu"]
    assert states == (random.getstate(), np.random.get_state()[1].tolist())  # noqa: NPY002


def kept() -> nn.Module:
    net = Keeps()
    net(X)
    return net


def scripted() -> nn.Module:
    return nn.Sequential(torch.jit.script(nn.Sequential(nn.Linear(8, 8), nn.ReLU())), nn.Tanh())


@pytest.mark.parametrize(
    ("build", "sample", "message"),
    [
        (Counts, X, "something else for the same input, also without changes"),
        (kept, X, "cannot be copied .*keeps a result with gradients"),
        (lambda: Layers, X, "must be a torch.nn.Module, such as Net.., not the class Layers"),
        (WithArguments, X.numpy(), "sample must be a tensor .* not ndarray"),
        (WithArguments, torch.tensor(1.0), "sample must be a tensor .* not a single number"),
        (scripted, X, "0 in the model is scripted"),
        (lambda: replace(RandomSlope(), "gelu", X), X, "has other activations at its sites"),
        (lambda: replace(nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2)), "gelu", X),
         X, "has other activations at its sites"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*")
def test_what_cannot_be_used_is_one_sentence(build, sample, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        sites(build(), sample)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("given", [{"relu": torch.sin}, torch.sin])
def test_a_function_of_ones_own_is_named(given) -> None:
    with pytest.raises(UserError, match=r'"name": "custom", "target": "my_file.my_function"'):
        replace(RandomSlope(), given, sample=X)
