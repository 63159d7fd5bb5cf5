"""Calls in functions that checkpointing runs again in the backward pass: exact gradients."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

import activation_search

X = torch.randn(4, 8, generator=torch.Generator().manual_seed(0))


class Method(nn.Module):
    """A method of the module is checkpointed."""

    def __init__(self, reentrant: bool = False):
        super().__init__()
        self.reentrant = reentrant
        self.a, self.b, self.out = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)

    def part(self, x: Tensor) -> Tensor:
        return F.relu(self.a(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.out(F.relu(self.b(checkpoint(self.part, x, use_reentrant=self.reentrant))))


class Closure(Method):
    """A function in the forward, with one call over two layers."""

    def forward(self, x: Tensor) -> Tensor:
        def part(y: Tensor) -> Tensor:
            for layer in (self.a, self.b):
                y = F.relu(layer(y))
            return y

        return self.out(checkpoint(part, x, use_reentrant=self.reentrant))


class Shared(Method):
    """One module at two places, of which the first lies before the checkpointed layer."""

    def __init__(self, reentrant: bool = False):
        super().__init__(reentrant)
        self.act = nn.ReLU()

    def acted(self, x: Tensor) -> Tensor:
        return self.act(x)

    def part(self, x: Tensor) -> Tensor:
        return self.b(self.acted(x))

    def forward(self, x: Tensor) -> Tensor:
        y = checkpoint(self.part, self.a(x), use_reentrant=self.reentrant)
        return self.out(self.acted(y))


class Segments(Method):
    def forward(self, x: Tensor) -> Tensor:
        parts = [self.part, lambda y: F.relu(self.b(y))]
        return self.out(checkpoint_sequential(parts, 2, x, use_reentrant=self.reentrant))


def by_hand(model: nn.Module, x: Tensor) -> Tensor:
    return model.out(torch.tanh(model.b(F.silu(model.a(x)))))


def outcome(model: nn.Module, compute, again: nn.Module | None = None) -> list[Tensor]:
    model.zero_grad()
    x = X.clone().requires_grad_()
    y = compute(x)
    if again is not None:  # another model runs between forward and backward
        again(X.clone().requires_grad_())
    y.square().sum().backward()
    return [y.detach(), x.grad, *(model.get_parameter(f"{n}.weight").grad for n in "ab")]


@pytest.mark.parametrize("reentrant", [True, False])
@pytest.mark.parametrize("kind", [Method, Closure, Shared, Segments])
def test_recomputed_calls_act_as_they_did(kind: type[Method], reentrant: bool) -> None:
    torch.manual_seed(0)
    net = kind(reentrant)
    first, second = [site.name for site in activation_search.sites(net, X)]
    model = activation_search.replace(net, {first: "silu", second: "tanh"}, sample=X)
    plain = copy.deepcopy(net)
    found = outcome(model, model, again=model)
    expected = outcome(plain, lambda x: by_hand(plain, x))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-7)


def test_other_checkpoints_are_left_alone() -> None:
    net = Method()
    plain = copy.deepcopy(net)
    found = outcome(net, net)
    expected = outcome(plain, lambda x: plain.out(F.relu(plain.b(F.relu(plain.a(x))))))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=0)
