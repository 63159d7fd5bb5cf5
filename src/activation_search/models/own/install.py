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

from activation_search.models.own.functions import CALLS, Call, split_call
from activation_search.models.own.place import Key, Place, calling_key, calling_place
from activation_search.models.own.recompute import carry_into_recomputation
from activation_search.models.own.sites import FoundSite, Other

# Place -> layer before it, "" where it does not matter -> activation, None for the model's own;
# nothing at all at a call that is no site.
Choices = dict[str, nn.Module | None]
Table = dict[Key, Choices]


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
        kwargs = kwargs or {}
        table = _state.tables[-1] if func in CALLS else None
        if table is not None and (split := split_call(CALLS[func], args, kwargs)) is not None:
            choices = table.get(calling_key())
            if choices is None:
                _warn(calling_place(), func)
            module = _at(choices) if choices else None
            if isinstance(module, Call):  # the model's own, which is told what this call says
                return module(split[0], given=split[1])
            if module is not None:
                return module(split[0])
        return func(*args, **kwargs)


def _at(choices: Choices) -> nn.Module | None:
    if _state.weights in choices:
        return choices[_state.weights]
    return next(iter(choices.values()))


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


class Start:
    """Before the forward of the model: no weights ran yet."""

    def __call__(self, module: nn.Module, args: Any) -> None:
        _state.weights = ""


# Where torch keeps a module's hooks, such as those that look at activations.
_HOOKS = (
    "_forward_hooks", "_forward_hooks_with_kwargs", "_forward_hooks_always_called",
    "_forward_pre_hooks", "_forward_pre_hooks_with_kwargs", "_backward_hooks",
    "_backward_pre_hooks", "_is_full_backward_hook",
)  # fmt: skip


class Slot(nn.Module):
    """Stands where a unit is registered, and calls what stands at its site.

    It has the unit's keys in the ``state_dict``: as parameters while the unit is in use.
    """

    def __init__(self, table: Table, own: nn.Module):
        super().__init__()
        self.table = table
        self.training = own.training
        choices = [module for found in table.values() for module in found.values()]
        # In tuples, which torch does not look into.
        self.only = (choices[0],) if len(choices) == 1 and choices[0] is not None else None
        self.own = (own,)
        in_use = any(module is None or module is own for module in choices)
        for name, parameter in own.named_parameters():
            if in_use:
                self.register_parameter(name, parameter)
            else:
                self.register_buffer(name, parameter.detach().clone())
        if not in_use:  # and otherwise the unit's hooks run where it does
            for name in _HOOKS:
                setattr(self, name, getattr(own, name))

    def forward(self, x: Tensor) -> Any:
        if self.only is not None:
            module = self.only[0]
        else:
            # A place that never ran in the survey gets what stands at the first.
            choices = self.table.get(calling_key()) or next(iter(self.table.values()))
            module = _at(choices) or self.own[0]
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
    others: Iterable[Other] = (),
) -> bool:
    """Puts activations at the sites of a model, in place.

    Args:
        model: the user's, as it was surveyed.
        sites: of it.
        activations: site -> module; the model's own function stays where there is none.
        others: calls that are no sites, such as the output's.

    Returns:
        Whether it depends on hooks which function acts, so that the model cannot be compiled.
    """
    units: dict[str, Table] = {}
    callers: dict[str, Table] = {}
    for found in sites:
        own = None if found.unit else found.own
        for owner, place, weights in found.keys:
            tables = units if found.unit else callers
            choices = tables.setdefault(owner, {}).setdefault(place.key, {})
            choices[weights] = activations.get(found.name, own)
    for other in others:
        table = (units if other.unit else callers).get(other.owner)
        if table is not None:
            choices = table.setdefault(other.place.key, {})
            if choices or other.unit:
                choices[other.layer] = None
    for path, table in units.items():
        parent, _, name = path.rpartition(".")
        kept = _put(model.get_submodule(parent), name, table)
        if kept is not None and callers:  # what it calls inside is its own
            _hook(kept, None)
    for path, table in callers.items():
        _hook(model.get_submodule(path), table)
    all_tables = [*units.values(), *callers.values()]
    several = [found for table in all_tables for found in table.values() if len(found) > 1]
    for path in sorted({path for found in several for path in found if path}):
        model.get_submodule(path).register_forward_hook(Passed(path))
    if several:
        model.register_forward_pre_hook(Start(), prepend=True)
    return bool(callers) or any(len(table) > 1 for table in units.values()) or bool(several)


def _hook(module: nn.Module, table: Table | None) -> None:
    module.register_forward_pre_hook(Enter(table))
    module.register_forward_hook(Leave(), always_call=True)


def calls_sites(module: nn.Module) -> bool:
    """Whether the code of a module calls activations that are sites."""
    hooks = module._forward_pre_hooks.values()
    return any(isinstance(hook, Enter) and hook.table is not None for hook in hooks)


def _put(parent: nn.Module, name: str, table: Table) -> nn.Module | None:
    """A slot in place of a unit; or the unit itself, returned, where all its sites keep it."""
    unit = getattr(parent, name)
    own = unit if isinstance(unit, nn.Module) else Call(CALLS[unit], (), {})
    if getattr(own, "inplace", False):  # what stands before it may need what it gave
        own.inplace = False  # type: ignore[assignment]
    if any(module is not None for found in table.values() for module in found.values()):
        set_child(parent, name, Slot(table, own))
        return None
    return unit if isinstance(unit, nn.Module) else None


def set_child(parent: nn.Module, name: str, module: nn.Module) -> None:
    """Registers a module under a name that holds another, or a function."""
    parent.__dict__.pop(name, None)
    parent.add_module(name, module)


def mode_depth() -> int:
    """How many modes torch has on its stack; 0 outside of any forward."""
    return int(torch._C._len_torch_function_stack())
