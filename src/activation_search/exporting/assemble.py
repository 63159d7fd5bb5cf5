"""The expression that puts a model together as it is, its settings as literals.

So none of what makes a model here, neither configuration nor catalogue, is needed to make it again.
"""

import inspect
import json
from collections.abc import Iterable, Iterator
from types import BuiltinFunctionType, FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activation_search.exporting.definitions import PACKAGE, Definitions

WIDTH = 88  # of a call in one line
_OF_ALL_MODULES = set(vars(nn.Module()))


class Assembly:
    """The definitions of a model's classes, and the expression that builds it from them.

    Raises:
        ValueError: the model has parts that are neither ours nor torch's.
    """

    def __init__(self, model: nn.Module):
        self.definitions = Definitions()
        known = -1
        while len(self.definitions.attributes) > known:  # a method may mention further parts
            known = len(self.definitions.attributes)
            self.definitions.add(self._things(model))
        self.expression = self._expression(model)

    def _things(self, value: Any) -> Iterator[Any]:
        """Classes and functions of ours among the parts that are used."""
        if _is_ours(value):
            yield value
        elif _is_ours(type(value)):
            yield type(value)
        for member in self._members(value).values():
            yield from self._things(member)

    def _members(self, thing: Any) -> dict[str, Any]:
        """What a module is made of: of ours as far as it is used."""
        if not isinstance(thing, nn.Module):
            return {}
        if not _is_ours(type(thing)):
            return dict(thing.named_children())
        own = {name: value for name, value in vars(thing).items() if name not in _OF_ALL_MODULES}
        own |= thing._parameters | thing._buffers | thing._modules
        return {name: own[name] for name in own if name in self.definitions.attributes}

    def _expression(self, value: Any) -> str:
        if isinstance(value, nn.Module):
            return self._module(value)
        if isinstance(value, Tensor):
            empty = _empty(value)
            return f"nn.Parameter({empty})" if isinstance(value, nn.Parameter) else empty
        if isinstance(value, FunctionType | BuiltinFunctionType):
            return self._function(value)
        if _is_ours(type(value)):
            return f"{type(value).__name__}()"
        if isinstance(value, list):
            return f"[{', '.join(map(self._expression, value))}]"
        return json.dumps(value) if isinstance(value, str) else repr(value)

    def _module(self, module: nn.Module) -> str:
        kind = type(module)
        if _is_ours(kind):
            members = self._members(module).items()
            return _call(kind.__name__, [f"{k}={self._expression(v)}" for k, v in members])
        if kind is nn.ModuleDict:
            pairs = [f'"{k}": {self._expression(v)}' for k, v in module.named_children()]
            return f"nn.ModuleDict({_call('', pairs, '{}')})"
        if kind is nn.Sequential:
            return _call("nn.Sequential", map(self._expression, module.children()))
        if not hasattr(nn, kind.__name__):
            raise ValueError(f"{kind.__name__} is no module of torch's")
        return _call(f"nn.{kind.__name__}", _arguments(module))

    def _function(self, function: Any) -> str:
        if _is_ours(function):
            return str(function.__name__)
        for name, found in vars(F).items():
            if found is function:
                self.definitions.imports.add(("torch.nn.functional as F", ""))
                return f"F.{name}"
        raise ValueError(f"{function} is no function of torch's")


def _is_ours(thing: Any) -> bool:
    return isinstance(thing, type | FunctionType) and thing.__module__.startswith(f"{PACKAGE}.")


def _empty(tensor: Tensor) -> str:
    shape = ", ".join(map(str, tensor.shape)) or "()"
    kind = "" if tensor.dtype is torch.float32 else f", dtype={tensor.dtype}"
    return f"torch.empty({shape}{kind})"


def _arguments(module: nn.Module) -> Iterator[str]:
    """What a module of torch's was made with; it keeps all under the same names."""
    kind = nn.RNNBase if isinstance(module, nn.RNNBase) else type(module)
    for name, parameter in inspect.signature(kind).parameters.items():
        if name in ("args", "kwargs", "mode", "device", "dtype"):
            continue
        value = getattr(module, name)
        if name == "bias":
            value = value is not None and value is not False
        default = parameter.default
        if default is inspect.Parameter.empty:
            yield repr(value)
        elif value != default and not (isinstance(value, tuple) and set(value) == {default}):
            yield f"{name}={value!r}"


def _call(name: str, arguments: Iterable[str], brackets: str = "()") -> str:
    """A call in one line if it fits, or with a line for each argument."""
    arguments = list(arguments)
    line = f"{name}{brackets[0]}{', '.join(arguments)}{brackets[1]}"
    if len(line) <= WIDTH // 2 and "\n" not in line:
        return line
    indented = (f"    {argument},".replace("\n", "\n    ") for argument in arguments)
    return "\n".join([f"{name}{brackets[0]}", *indented, brackets[1]])
