"""Which activations a run asks for: one for the whole model, and others at single sites."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from activation_search.activations.activation import Activation
from activation_search.activations.entry import Value
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.errors import UserError


@dataclass(frozen=True, eq=False)
class ActivationChoice:
    """What ``activation=`` and ``activation.layers`` say; the model's sites are not known here.

    Two that mean the same compare equal, whatever alias or default was spelled out, and in whatever
    order single sites were named; a later pattern beats an earlier one, so their order counts.

    Attributes:
        name: of the activation for the whole model; ``default`` leaves every site its own.
        parameters: those of it that differ from its defaults.
        layers: name of a site, or a pattern of names -> the activation there instead.

    Example:
        ActivationChoice.parse({"name": "relu", "layers": {"conv*": "gelu"}})
    """

    name: str = MODEL_DEFAULT
    parameters: tuple[tuple[str, Value], ...] = ()
    layers: Mapping[str, Activation] = field(default_factory=dict)

    @classmethod
    def parse(cls, given: object) -> "ActivationChoice":
        """From a name, or a mapping ``{name: relu, <its parameters>, layers: {site: activation}}``.

        Args:
            given: the name may be left out for ``default``. Keys of ``layers`` may be dotted or
                nested, as the command line makes them: ``layer1.0.relu`` and
                ``{layer1: {0: {relu: gelu}}}`` are ``layer1_0_relu``.

        Raises:
            UserError: see :meth:`Activation.parse`; or ``layers`` is no mapping.
        """
        if isinstance(given, ActivationChoice):
            return given
        rest = dict(given) if isinstance(given, Mapping) else {"name": given}
        layers = rest.pop("layers", None) or {}
        if not isinstance(layers, Mapping):
            raise UserError(f"layers maps sites to activations, not {layers!r}.")
        sites = {site: Activation.parse(value) for site, value in _flat(layers).items()}
        if rest.setdefault("name", MODEL_DEFAULT) != MODEL_DEFAULT:
            whole = Activation.parse(rest)
            return cls(whole.name, whole.parameters, sites)
        if len(rest) > 1:
            raise UserError(f"activation={MODEL_DEFAULT} takes no parameters, not {rest!r}.")
        return cls(layers=sites)

    @property
    def whole(self) -> Activation | None:
        """The activation for the whole model; ``None`` where every site keeps its own."""
        return None if self.name == MODEL_DEFAULT else Activation(self.name, self.parameters)

    @property
    def activations(self) -> list[Activation]:
        """All that it names."""
        return [*([self.whole] if self.whole else []), *self.layers.values()]

    @property
    def label(self) -> str:
        """Short name, for folders; with that of a function of the user's own, and the letters of a
        formula."""
        own = dict(self.parameters)
        target = str(own.get("target", "")).rpartition(".")[2]
        letters = re.sub(r"\W+", "-", str(own.get("expr", ""))).strip("-")[:40]
        name = "-".join(filter(None, [self.name, target, letters]))
        return f"{name}-per-layer" if self.layers else name

    def with_whole(self, activation: Activation) -> "ActivationChoice":
        """Another activation for the whole model; single sites keep theirs."""
        return replace(self, name=activation.name, parameters=activation.parameters)

    def with_layers(self, layers: Mapping[str, Activation]) -> "ActivationChoice":
        """Others at these sites in addition."""
        return replace(self, layers={**self.layers, **layers})

    def as_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`parse` reads back."""
        layers = {site: _short(activation) for site, activation in self.layers.items()}
        return {"name": self.name, **dict(self.parameters), "layers": layers}

    def identity(self) -> dict[str, Any]:
        """What it means, as plain data: the same for choices that are equal."""
        layers = list(self.as_dict()["layers"].items())
        patterns = [layer for layer in layers if _is_pattern(layer[0])]
        sites = sorted((layer for layer in layers if layer not in patterns), key=lambda s: s[0])
        return {**self.as_dict(), "layers": [list(layer) for layer in [*patterns, *sites]]}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ActivationChoice) and self.identity() == other.identity()

    def __hash__(self) -> int:
        return hash(str(self.identity()))

    def __str__(self) -> str:
        layers = (f"{site}={activation}" for site, activation in self.layers.items())
        return " ".join([str(self.whole or MODEL_DEFAULT), *layers])


def _short(activation: Activation) -> str | dict[str, Value]:
    return activation.as_dict() if activation.parameters else activation.name


def _is_pattern(site: str) -> bool:
    return any(sign in site for sign in "*?[")


def _flat(layers: Mapping[Any, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in layers.items():
        name = str(key).replace(".", "_")
        if isinstance(value, Mapping) and value and "name" not in value:
            flat |= {f"{name}_{inner}": activation for inner, activation in _flat(value).items()}
        else:
            flat[name] = value
    return flat
