"""What the catalogue claims of its entries holds."""

import math
import subprocess
import sys

import pytest
import torch

from activation_search.activations import ALIASES, ENTRIES, Activation, Entry, build, find
from activation_search.activations.catalogue import key
from activation_search.errors import UserError

ENTRIES_TO_BUILD = [entry for entry in ENTRIES.values() if not entry.open_parameters]
by_name = pytest.mark.parametrize("entry", ENTRIES_TO_BUILD, ids=lambda e: e.name)


def wide_input(entry: Entry, dtype: torch.dtype) -> torch.Tensor:
    """``[N, inputs]`` from -1e4 to 1e4, dense around zero, zero and one included."""
    x = torch.cat(
        [
            torch.linspace(-1e4, 1e4, 4001),
            torch.linspace(-12, 12, 24001),
            torch.tensor([0.0, 1.0, -1.0, 3.0, 0.5]),
        ]
    )
    columns = [x, x.flip(0)][: entry.inputs]
    return torch.stack(columns, 1).to(dtype)


def test_size_of_the_catalogue() -> None:
    assert len(ENTRIES_TO_BUILD) == 69
    assert len({entry.formula for entry in ENTRIES_TO_BUILD}) >= 65


@by_name
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_value_and_gradient_stay_finite(entry: Entry, dtype: torch.dtype) -> None:
    x = wide_input(entry, dtype).requires_grad_()
    module = build(entry.name, channels=entry.inputs).to(dtype).train()
    y = module(x)
    assert y.dtype == dtype
    assert y.isfinite().all()
    y.float().sum().backward()
    assert x.grad is not None
    assert x.grad.isfinite().all()
    for name, parameter in module.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name


@by_name
def test_gradients_agree_with_finite_differences(entry: Entry) -> None:
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(7, entry.inputs, generator=generator, dtype=torch.float64) * 2
    module = build(entry.name, channels=entry.inputs).double().eval()
    parameters = dict(module.named_parameters())

    def function(x: torch.Tensor, *values: torch.Tensor) -> torch.Tensor:
        given = dict(zip(parameters, values, strict=True))
        return torch.func.functional_call(module, given, (x,))

    values = tuple(p.detach().clone().requires_grad_() for p in parameters.values())
    assert torch.autograd.gradcheck(function, (x.requires_grad_(), *values))


@by_name
def test_range(entry: Entry) -> None:
    x = wide_input(entry, torch.float64)
    y = build(entry.name, channels=entry.inputs).double().eval()(x).detach()
    low, high = entry.range
    assert y.min() >= low - 2e-6
    assert y.max() <= high + 2e-6
    # A finite end is reached or approached, an infinite one is left far behind.
    assert y.min() <= (low + 1e-3 if math.isfinite(low) else -9)
    assert y.max() >= (high - 1e-3 if math.isfinite(high) else 9)


@by_name
def test_monotonic_claim(entry: Entry) -> None:
    if entry.family == "gated":
        assert not entry.monotonic
        return
    x = wide_input(entry, torch.float64).sort(0).values
    y = build(entry.name).double().eval()(x)[:, 0].detach()
    assert (y.diff() >= -1e-12).all().item() == entry.monotonic


@by_name
def test_width(entry: Entry) -> None:
    inner = entry.input_width(12)
    assert inner == {"glu": 24, "crelu": 6}.get(entry.name, 24 if entry.changes_width else 12)
    y = build(entry.name, channels=inner)(torch.randn(3, inner))
    assert y.shape == (3, 12)


@by_name
def test_state_dict_round_trip_and_no_shared_parameters(entry: Entry) -> None:
    one, two = (build(entry.name, channels=4) for _ in range(2))
    assert bool(list(one.parameters())) == bool(entry.learns)
    assert not {id(p) for p in one.parameters()} & {id(p) for p in two.parameters()}
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.add_(0.125)
    two.load_state_dict(one.state_dict())
    x = torch.randn(5, 4)
    torch.testing.assert_close(two.eval()(x), one.eval()(x), rtol=0, atol=0)


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_aliases_mean_the_same_function(alias: str, name: str) -> None:
    assert find(alias) is find(name)
    assert Activation.parse(alias) == Activation.parse(name)
    x = torch.randn(6, 4)
    torch.testing.assert_close(build(alias, channels=4)(x), build(name, channels=4)(x))


def test_names_and_aliases_are_unique() -> None:
    names = [entry.name for entry in ENTRIES.values()]
    names += [alias for entry in ENTRIES.values() for alias in entry.aliases]
    assert len({key(name) for name in names}) == len(names)


def test_unknown_name() -> None:
    with pytest.raises(UserError, match=r"Unknown activation 'gleu', did you mean 'gelu'\?$"):
        find("gleu")


def test_the_table_imports_no_torch() -> None:
    code = (
        "import sys, activation_search.activations as a; a.ENTRIES; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
