"""Which modules of a model are activation functions, told by what they do."""

import copy
import itertools
import math

import torch
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.activations.catalogue import ENTRIES
from activation_search.activations.entry import Entry
from activation_search.activations.factory import build
from activation_search.errors import UserError
from activation_search.models.own.functions import MODULES

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_NEVER = (
    nn.modules.dropout._DropoutNd,
    nn.Identity,
    nn.Softmax,
    nn.LogSoftmax,
    nn.Softmin,
    nn.Softmax2d,
    nn.GLU,
    nn.MultiheadAttention,
)


class OwnFunction(Activation):
    """A function of the user's model that the catalogue has no name for."""

    @property
    def entry(self) -> Entry:
        return Entry(self.name, "the model's own", "", "the model", (-math.inf, math.inf))

    def __str__(self) -> str:
        return f"own ({self.name})"


MANY = 36 * 1000  # values in 1,000 samples, of which rare dropping meets some
FAR = torch.tensor([15.0, 30.0, 60.0])  # where exp is still finite


def is_unit(module: nn.Module) -> bool:
    """Whether a module is an activation function.

    It is if it is one of torch's; or if it has no parameters, keeps the shape of its input, treats
    every element alike, and is no straight line, as a try on fixed values shows.
    """
    if isinstance(module, tuple(MODULES)):
        return True
    if isinstance(module, (*_CONTAINERS, *_NEVER)) or type(module).forward is nn.Module.forward:
        return False
    if any(True for _ in module.parameters()) or any(True for _ in module.buffers()):
        return False
    # One that drops units in training is more than its function.
    if any(isinstance(part, nn.modules.dropout._DropoutNd) for part in module.modules()):
        return False
    try:
        tried = copy.deepcopy(module)  # it may count its calls
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            tried.eval()
            if not _acts_alike(tried):
                return False
            grid = torch.linspace(-6, 6, MANY).view(-1, 4, 3, 3)
            expected = tried(grid.clone())
            tried.train()
            return bool(torch.equal(tried(grid.clone()), expected))
    except Exception:  # whatever a module of another kind raises at such an input
        return False


def _acts_alike(module: nn.Module) -> bool:
    grid = torch.linspace(-6, 6, 72).view(2, 4, 3, 3)
    found = module(grid.clone())
    if not isinstance(found, Tensor) or found.shape != grid.shape:
        return False
    order = torch.randperm(72, generator=torch.Generator().manual_seed(0))
    shuffled = module(grid.flatten()[order].view_as(grid))
    if not torch.allclose(shuffled.flatten(), found.flatten()[order], atol=1e-6):
        return False
    values = found.flatten().double()
    line = torch.linspace(float(values[0]), float(values[-1]), 72, dtype=torch.float64)
    return not torch.allclose(values, line, atol=1e-5)


def own_activation(kind: str, module: nn.Module, label: str) -> Activation:
    """The catalogue's activation that equals a function of the user's model.

    Args:
        kind: how torch calls it, or ``""``.
        module: computes it, out of place.
        label: what to call one that the catalogue does not have.
    """
    if kind in ("prelu", "rrelu"):
        return _as_stated(kind, module, label)
    parameters = {
        key: value
        for key, value in _arguments(module).items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    guesses: list[Activation] = []
    for name in dict.fromkeys([kind, *ENTRIES]):
        entry = ENTRIES.get(name)
        if entry is not None and entry.family == "fixed":
            own = {k: v for k, v in parameters.items() if k in entry.parameters}
            guesses.append(Activation.parse({"name": name, **own}))
            if own:
                guesses.append(Activation.parse(name))
    # The far ones tell a function from one that is clipped there.
    grid = torch.cat([torch.linspace(-8, 8, 161), FAR, -FAR])
    try:
        with torch.no_grad():
            wanted = copy.deepcopy(module)(grid.view(1, -1, 1, 1).clone()).flatten()
    except Exception:  # a function that wants another kind of input keeps its own name
        return OwnFunction(label)
    for guess in guesses:
        with torch.no_grad():
            if torch.allclose(build(guess)(grid), wanted, rtol=1e-6, atol=1e-6, equal_nan=True):
                return guess
    return OwnFunction(label)


def _as_stated(kind: str, module: nn.Module, label: str) -> Activation:
    """One that no values tell, since it learns or draws, by what it says of itself."""
    stated: dict[str, object] = {"name": kind}
    if kind == "prelu":
        # A module has it as a parameter, a call holds it as a buffer.
        slopes = next(itertools.chain(module.parameters(), module.buffers())).detach().flatten()
        if not torch.equal(slopes, slopes[:1].expand_as(slopes)):
            return OwnFunction(label)
        stated["init"] = float(f"{float(slopes[0]):.6g}")  # 0.1 as it was written
        stated["sharing"] = "channel" if len(slopes) > 1 else "layer"
    else:
        given = dict(zip(("lower", "upper"), getattr(module, "args", ()), strict=False))
        ends = {**_arguments(module), **given}
        stated |= {end: ends[end] for end in ("lower", "upper") if end in ends}
    try:
        return Activation.parse(stated)
    except UserError:  # out of the catalogue's range
        return OwnFunction(label)


def _arguments(module: nn.Module) -> dict[str, object]:
    """Settings of a module, or of the call that it stands for."""
    return {**vars(module), **getattr(module, "kwargs", {})}
