"""One look at a model: which activations act where, in which order, behind which weights.

The model runs on small batches, in evaluation and in training mode, without gradients; what is
recorded is the order of three kinds of events: an activation unit is called, one of torch's
activation functions is called, and a call gets a parameter, which is a layer with weights.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode

from activation_search.models.own.functions import CALLS, PROBABILITIES, split_call
from activation_search.models.own.place import Place, calling_place
from activation_search.models.own.weights import Weights, weights_of, weights_of_convolution

_ENDS = ("sigmoid", "tanh")  # activations that tasks put on the output


@dataclass
class Event:
    """A call of an activation.

    Attributes:
        owner: path of the unit, or of the module whose code calls the function.
        unit: whether it is a unit, and not a call in code.
        kind: the function as torch calls it; ``""`` for a unit that it has no name for.
        place: of the call.
        weights: the layer with weights that ran last before it.
        passed: path of the module with weights whose forward ended last before it; another one than
            of ``weights`` where code uses a layer's weights without calling the layer.
        shape: of its input.
        args, kwargs: further arguments of a call.
        last: no weights ran after it.
    """

    owner: str
    unit: bool
    kind: str
    place: Place
    weights: Weights | None
    passed: str
    shape: tuple[int, ...]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    last: bool = False


@dataclass
class Survey:
    """What was seen.

    Attributes:
        events: in order, over all batches.
        layers: paths of modules with weights, in the order of their first use.
        ends_in: the function at the very end, if it is one that tasks put there: softmax,
            log_softmax, sigmoid or tanh; or ``""``.
        fused: types of modules whose activations are inside a kernel, such as ``LSTM``.
        in_place: where activations that overwrite their input are called.
        with_arguments: paths of units that are called with more than their input.
    """

    events: list[Event] = field(default_factory=list)
    layers: list[str] = field(default_factory=list)
    ends_in: str = ""
    fused: list[str] = field(default_factory=list)
    in_place: list[Place] = field(default_factory=list)
    with_arguments: set[str] = field(default_factory=set)


class Recorder(TorchFunctionMode):
    """Records calls while one batch passes."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.events: list[Event] = []
        self.layers: list[str] = []
        self.weights: Weights | None = None
        self.used = ""  # path of the layer whose parameter was used last
        self.passed = ""
        self.tanh: Tensor | None = None  # what the last one gave
        self.path: list[str] = []  # of the modules that are running
        self.inside = 0  # of a unit, whose calls are its own
        self.ends_in = ""
        self.in_place: list[Place] = []
        self.with_arguments: set[str] = set()
        self.behind = 0  # how many events came before the last use of weights
        modules = dict(model.named_modules())
        # Tied weights have several owners.
        self.parameters: dict[int, list[tuple[str, nn.Module]]] = {}
        for path, module in modules.items():
            # Those of a parametrisation, such as a spectral norm, are of the layer that has it, as
            # "conv" is for "conv.parametrizations.weight".
            owner = path
            if isinstance(module, ParametrizationList):
                owner = ".".join(path.split(".")[:-2])
            for parameter in module.parameters(recurse=False):
                self.parameters.setdefault(id(parameter), []).append((owner, modules[owner]))
        self.owners = {owner for owners in self.parameters.values() for owner, _ in owners}

    def enter(self, path: str) -> None:
        """The forward of a module begins."""
        self.path.append(path)

    def leave(self, path: str) -> None:
        """It ends."""
        self.path.pop()
        if path in self.owners and not self.inside:
            self.passed = path

    def unit(self, owner: str, kind: str, x: Tensor, compute: Callable) -> Any:
        """A unit is called."""
        self._event(owner, True, kind, x)
        self.inside += 1
        try:
            result = compute()
        finally:
            self.inside -= 1
        if kind == "tanh":
            self.tanh = result
        return result

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if not self.inside:
            self._record(func, args, kwargs)
        result = func(*args, **kwargs)
        if not self.inside and CALLS.get(func) == "tanh":
            self.tanh = result
        return result

    def _record(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        kind = CALLS.get(func)
        split = split_call(kind, args, kwargs) if kind is not None else None
        if kind is not None and split is not None:
            x, (further, named) = split
            if kwargs.get("inplace") or getattr(func, "__name__", "").endswith("_"):
                self.in_place.append(calling_place())
            self._event(self.path[-1], False, kind, x, further, named)
            return
        function = getattr(func, "__name__", "")
        if func in PROBABILITIES:
            self.ends_in = function
        if function == "__get__":
            return  # a look at a parameter's shape or type
        for value in _flat((*args, *kwargs.values())):
            if isinstance(value, nn.Parameter) and id(value) in self.parameters:
                path, module = self._owner(value)
                self.used = path
                self.weights = weights_of(path, module, value, function) or self.weights
                self.ends_in, self.behind = "", len(self.events)
                if path not in self.layers and value.dim() > 1:
                    self.layers.append(path)
                break
        self.weights = weights_of_convolution(self.used, function, args, kwargs) or self.weights

    def _event(self, owner: str, unit: bool, kind: str, x: Tensor, *further: Any) -> None:
        place, shape = calling_place(), tuple(x.shape)
        self.events.append(
            Event(owner, unit, kind, place, self.weights, self.passed, shape, *further)
        )
        self.ends_in = kind if kind in _ENDS else ""

    def _owner(self, parameter: nn.Parameter) -> tuple[str, nn.Module]:
        """The innermost that runs, or else the first."""
        owners = self.parameters[id(parameter)]
        running = [owner for owner in owners if owner[0] in self.path]
        return max(running, key=lambda owner: len(owner[0]), default=owners[0])


def _flat(values: Iterable[Any]) -> Iterator[Any]:
    """With what stands in lists, as torch hands the weights to an LSTM."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _flat(value)
        else:
            yield value


@contextmanager
def _paths_recorded(model: nn.Module, recorder: Recorder) -> Iterator[None]:
    """Keeps the recorder told which module is running."""
    handles = []
    for path, module in model.named_modules():
        enter: Any = lambda m, args, path=path: recorder.enter(path)  # noqa: E731
        leave: Any = lambda m, args, out, path=path: recorder.leave(path)  # noqa: E731
        handles.append(module.register_forward_pre_hook(enter))
        handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


class Recording(nn.Module):
    """Stands in for a unit while a model is surveyed."""

    recorder: Recorder | None = None

    def __init__(self, module: nn.Module, owner: str, kind: str, function: Callable | None = None):
        super().__init__()
        self.module = module
        self.owner, self.kind = owner, kind
        self.whole = (function or module,)  # in a tuple, which torch does not look into

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        assert self.recorder is not None
        if kwargs or len(args) != 1 or not isinstance(args[0], Tensor):
            self.recorder.with_arguments.add(self.owner)
            return self.whole[0](*args, **kwargs)
        if getattr(self.module, "inplace", False):
            self.recorder.in_place.append(calling_place())
        return self.recorder.unit(self.owner, self.kind, args[0], lambda: self.module(args[0]))


def output_of(found: Any) -> Any:
    """The tensor in what a model returns: itself, or its ``logits``."""
    return getattr(found, "logits", found)


def _is_view(one: Any, other: Tensor | None) -> bool:
    """Whether a tensor is another one, perhaps in another shape."""
    return (
        isinstance(one, Tensor)
        and other is not None
        and (one.data_ptr(), one.numel()) == (other.data_ptr(), other.numel())
    )


def survey(model: nn.Module, batches: list[Tensor]) -> Survey:
    """Runs a model whose units are :class:`Recording` on batches, in both modes; the model is used
    up.

    Raises:
        Exception: whatever the model raises.
    """
    found = Survey()
    fused = (nn.LSTM, nn.GRU, nn.RNN)
    for training in (False, True):
        for batch in batches:
            model.train(training)
            recorder = Recorder(model)
            recordings = [m for m in model.modules() if isinstance(m, Recording)]
            for recording in recordings:
                object.__setattr__(recording, "recorder", recorder)
            with torch.no_grad(), _paths_recorded(model, recorder), recorder:
                output = output_of(model(batch.clone()))  # it may write into its input
            if recorder.ends_in == "tanh" and not _is_view(output, recorder.tanh):
                recorder.ends_in = ""  # something is made of it, as in x + tanh(y)
            for event in recorder.events[recorder.behind :]:
                event.last = True
            found.events += recorder.events
            found.layers += [path for path in recorder.layers if path not in found.layers]
            found.in_place += recorder.in_place
            found.with_arguments |= recorder.with_arguments
            found.ends_in = found.ends_in or recorder.ends_in
    found.fused = sorted({type(m).__name__ for m in model.modules() if isinstance(m, fused)})
    return found
