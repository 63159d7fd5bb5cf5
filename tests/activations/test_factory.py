"""Building modules, the user's own functions among them."""

import sys
from pathlib import Path

import pytest
import torch

from activation_search.activations import Activation, build
from activation_search.errors import UserError

OWN = """
import torch
from torch import nn

def bump(x, height=1.0):
    return height * torch.exp(-x.square())

def narrow(x):
    return x[:, :1]

def steps(x):
    return torch.round(x).detach()

def broken(x):
    raise ValueError("no such luck")

def leaves(x):
    raise SystemExit("gone")

def double(x):
    return x.double()

def whole(x):
    return x.long()

def array(x):
    return x.detach().numpy()

def pair(x):
    return x, x

class Wide(nn.Module):
    def forward(self, x):
        return torch.tanh(x.double())

class Scale(nn.Module):
    def __init__(self, channels, start=1.0):
        super().__init__()
        self.scale = nn.Parameter(torch.full((channels,), start))
    def forward(self, x):
        return torch.tanh(x) * self.scale.view(-1, *[1] * (x.dim() - 2))

class Plain(nn.Module):
    def forward(self, x):
        return torch.sin(x)

class Scalar(nn.Module):
    def __init__(self):
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(0.5))
    def forward(self, x):
        return torch.tanh(x) * self.scale

number = 3
"""


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A file of the user's in the working directory; the name is new for each test."""
    name = f"own_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(OWN)
    (tmp_path / f"{name}_bad.py").write_text("import does_not_exist_anywhere\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_accepts_a_name_a_mapping_or_an_activation() -> None:
    x = torch.tensor([[-1.0]])
    given = {"name": "leaky_relu", "negative_slope": 0.5}
    for module in (
        build("leaky_relu", negative_slope=0.5),
        build(given),
        build(Activation.parse(given)),
        build({"name": "leaky_relu"}, negative_slope=0.5),
        build(Activation.parse("leaky_relu"), negative_slope=0.5),
    ):
        assert module(x).item() == -0.5


def test_a_width_that_the_function_cannot_read() -> None:
    with pytest.raises(UserError, match="maxmin takes channels 2 at a time and cannot read 5"):
        build("maxmin", channels=5)


def test_own_function(own_module: str) -> None:
    module = build("custom", target=f"{own_module}.bump", height=2.0)
    assert module(torch.zeros(1, 1)).item() == 2.0


def test_own_module_is_told_its_channels(own_module: str) -> None:
    module = build("custom", target=f"{own_module}.Scale", channels=4, start=0.5)
    assert [tuple(p.shape) for p in module.parameters()] == [(4,)]
    torch.testing.assert_close(module(torch.ones(1, 4)), torch.tanh(torch.ones(1, 4)) * 0.5)


def test_own_modules_without_a_constructor_or_with_a_single_number(own_module: str) -> None:
    plain = build("custom", target=f"{own_module}.Plain", channels=4)
    assert plain(torch.zeros(1, 4)).tolist() == [[0.0] * 4]
    scalar = build("custom", target=f"{own_module}.Scalar", channels=4)
    assert [p.shape for p in scalar.parameters()] == [()]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{}.nothing", "names nothing callable"),
        ("{}.number", "names nothing callable"),
        ("nowhere_at_all.f", "names nothing callable"),
        ("{}.broken", "failed on a small batch: no such luck"),
        ("{}.narrow", r"must return a tensor of its input's shape \(2, 4, 3\), not \(2, 1, 3\)"),
        ("{}.double", "must return a tensor of its input's type float32, not float64"),
        ("{}.whole", "must return a tensor of its input's type float32, not int64"),
        ("{}.Wide", "must return a tensor of its input's type float32, not float64"),
        ("{}.array", r"must return a tensor of its input's shape \(2, 4, 3\), not ndarray"),
        ("{}.pair", r"must return a tensor of its input's shape \(2, 4, 3\), not tuple"),
        ("{}.leaves", "failed on a small batch: gone"),
        ("{}.steps", "has no derivative"),
        ("{}_bad.f", "Importing .* failed"),
    ],
)
def test_mistakes_in_own_functions(own_module: str, target: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build("custom", target=target.format(own_module), channels=4)


def test_a_setting_that_the_own_function_does_not_take(own_module: str) -> None:
    with pytest.raises(UserError, match="unexpected keyword argument 'depth'"):
        build("custom", target=f"{own_module}.bump", depth=2)
