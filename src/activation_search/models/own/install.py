"""Puts activations at the sites of a user's model, without touching its code or its weights' names.

A unit is replaced by a slot, which calls what stands at its site. A module whose code calls
functions gets two hooks: while it runs, a mode looks at each call and sends those at a site to what
stands there. Both hold the activations without registering them, so that the model's own
``state_dict`` keeps exactly its keys. Hooks and slots are objects, not closures, and nothing is
shared between copies: a model can be copied, pickled, and run in several threads.
"""

import threading
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from activation_search.models.own.functions import CALLS
from activation_search.models.own.place import Key, Place, calling_key, calling_place
from activation_search.models.own.recompute import carry_into_recomputation
from activation_search.models.own.sites import FoundSite

# Place -> weights before it, "" where they do not matter -> activation; no activation at a call
# that is no site.
Table = dict[Key, dict[str, nn.Module]]


class _State(threading.local):
    """What runs in this thread."""

    def __init__(self) -> None:
        self.tables: list[Table | None] = []
        self.mode: SiteMode | None = None
        self.weights = ""


_state = _State()
_warned: set[Place] = set()


class SiteMode(TorchFunctionMode):
    """Sends the calls of activation functions to what stands at their sites."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        if func in CALLS and args and isinstance(args[0], Tensor):
            table = _state.tables[-1]
            if table is not None:
                choices = table.get(calling_key())
                if choices:
                    return _at(choices)(args[0])
                if choices is None:
                    _warn(calling_place(), func)
        return func(*args, **(kwargs or {}))


def _at(choices: dict[str, nn.Module]) -> nn.Module:
    if len(choices) == 1:
        [module] = choices.values()
        return module
    return choices.get(_state.weights) or next(iter(choices.values()))


def _warn(place: Place, func: Any) -> None:
    if place not in _warned:
        _warned.add(place)
        warnings.warn(
            f"{place} calls {CALLS[func]} where no site is: it never ran when the model was "
            "surveyed, and keeps the model's own function.",
            stacklevel=3,
        )


class Enter:
    """Before the forward of a module: its table is the one to look at."""

    def __init__(self, table: Table | None):
        self.table = table

    def __call__(self, module: nn.Module, args: Any) -> None:
        _state.tables.append(self.table)
        if _state.mode is None:
            _state.mode = SiteMode()
            _state.mode.__enter__()


class Leave:
    """After the forward of a module, also of one that raised."""

    def __call__(self, module: nn.Module, args: Any, output: Any) -> None:
        _state.tables.pop()
        if not _state.tables and _state.mode is not None:
            mode, _state.mode = _state.mode, None
            mode.__exit__(None, None, None)


def _as_now(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that, whenever it is called, runs as if it were called now."""
    if not _state.tables and not _state.weights:
        return function
    tables, weights = list(_state.tables), _state.weights

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        before, _state.tables, _state.weights = _state.tables, list(tables), weights
        mine = SiteMode() if tables and _state.mode is None else None
        try:
            if mine is None:
                return function(*args, **kwargs)
            _state.mode = mine
            with mine:
                return function(*args, **kwargs)
        finally:
            _state.tables = before
            if mine is not None:
                _state.mode = None

    return run


carry_into_recomputation(_as_now)


class Passed:
    """After the forward of a layer with weights: it ran last."""

    def __init__(self, path: str):
        self.path = path

    def __call__(self, module: nn.Module, args: Any, output: Any) -> None:
        _state.weights = self.path


class Slot(nn.Module):
    """Stands where a unit is registered, and calls what stands at its site."""

    def __init__(self, table: Table):
        super().__init__()
        self.table = table
        choices = [module for found in table.values() for module in found.values()]
        # In a tuple, which torch does not look into.
        self.only = (choices[0],) if len(choices) == 1 else None

    def forward(self, x: Tensor, *args: Any, **kwargs: Any) -> Any:
        if self.only is not None:
            module = self.only[0]
        else:
            # A place that never ran in the survey gets what stands at the first.
            choices = self.table.get(calling_key()) or next(iter(self.table.values()))
            module = _at(choices)
        if _state.mode is None:
            return module(x)
        _state.tables.append(None)  # what the activation calls inside is its own
        try:
            return module(x)
        finally:
            _state.tables.pop()

    def extra_repr(self) -> str:
        return f"{sum(map(len, self.table.values()))} sites"


def install(
    model: nn.Module,
    sites: Sequence[FoundSite],
    activations: Mapping[str, nn.Module],
    others: Iterable[tuple[str, Place]] = (),
) -> bool:
    """Puts activations at the sites of a model, in place.

    Args:
        model: the user's, as it was surveyed.
        sites: of it.
        activations: site -> module.
        others: owner and place of calls that are no sites, such as the output's.

    Returns:
        Whether calls in code were found, for which a mode has to run.
    """
    units: dict[str, Table] = {}
    callers: dict[str, Table] = {}
    layers: set[str] = set()
    for found in sites:
        for owner, place, weights in found.keys:
            tables = units if found.unit else callers
            choices = tables.setdefault(owner, {}).setdefault(place.key, {})
            choices[weights] = activations[found.name]
            if weights:
                layers.add(weights)
    for owner, place in others:
        if owner in callers:
            callers[owner].setdefault(place.key, {})
    for path, table in units.items():
        parent, _, name = path.rpartition(".")
        set_child(model.get_submodule(parent), name, Slot(table))
    for path, table in callers.items():
        module = model.get_submodule(path)
        module.register_forward_pre_hook(Enter(table))
        module.register_forward_hook(Leave(), always_call=True)
    for path in layers:
        model.get_submodule(path).register_forward_hook(Passed(path))
    return bool(callers)


def set_child(parent: nn.Module, name: str, module: nn.Module) -> None:
    """Registers a module under a name that holds another, or a function."""
    parent.__dict__.pop(name, None)
    parent.add_module(name, module)


def mode_depth() -> int:
    """How many modes torch has on its stack; 0 outside of any forward."""
    return int(torch._C._len_torch_function_stack())
