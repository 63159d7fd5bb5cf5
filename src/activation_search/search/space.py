"""The search space: which activations may stand where, and what else is drawn.

A point of the space is a mapping from parameter name to value, as Optuna stores it: ``conv2`` ->
``"gelu"``, ``conv2.leaky_relu.negative_slope`` -> 0.13 (only where leaky_relu was drawn for
conv2), ``optim.lr`` -> 0.004.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from typing import Any, Protocol

from activation_search.activations import Activation, ActivationChoice, Parameter
from activation_search.config.run import TrainConfig, from_dict
from activation_search.models.factory import network_class

WHOLE_MODEL = "activation"  # label of the one choice for all sites

Point = dict[str, Any]


class Suggest(Protocol):
    """The part of an Optuna trial that a space needs."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...
    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...


@dataclass(frozen=True)
class Choice:
    """One decision: the activation of a site, of tied sites, or of the whole model.

    label: its parameter name: a site's, a pattern of sites, or their names joined by ``+``.
    sites: where it acts.
    candidates: text of an activation -> the activation.
    """

    label: str
    sites: tuple[str, ...]
    candidates: Mapping[str, Activation]


@dataclass(frozen=True)
class Range:
    """Values of another setting: an interval, or a list of choices."""

    low: float = 0.0
    high: float = 0.0
    log: bool = False
    whole: bool = False
    choices: tuple[Any, ...] = ()

    def suggest(self, trial: Suggest, name: str) -> Any:
        if self.choices:
            return trial.suggest_categorical(name, self.choices)
        if self.whole:
            return trial.suggest_int(name, int(self.low), int(self.high), log=self.log)
        return trial.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True)
class Space:
    """Choices of activations and ranges of other settings.

    choices: in the order of the sites.
    ranges: dotted key of the configuration -> its values.
    with_parameters: whether an activation's own parameters are drawn.
    """

    choices: tuple[Choice, ...]
    ranges: Mapping[str, Range]
    with_parameters: bool = False

    @property
    def size(self) -> float:
        """Number of points; infinite where anything continuous is drawn."""
        if any(not r.choices for r in self.ranges.values()):
            return math.inf
        if self.with_parameters and any(
            own_ranges(a) for c in self.choices for a in c.candidates.values()
        ):
            return math.inf
        counts = [len(c.candidates) for c in self.choices]
        return math.prod([*counts, *(len(r.choices) for r in self.ranges.values())])

    def as_dict(self) -> dict[str, Any]:
        """What is searched, as plain data."""
        values = {choice.label: list(choice.candidates) for choice in self.choices}
        ranges = {key: asdict(values) for key, values in self.ranges.items()}
        return {**values, **ranges, "parameters": self.with_parameters}

    def points(self) -> Iterator[Point]:
        """Every point of a finite space, once."""
        names = [c.label for c in self.choices] + list(self.ranges)
        values = [list(c.candidates) for c in self.choices]
        values += [list(r.choices) for r in self.ranges.values()]
        for combination in product(*values):
            yield dict(zip(names, combination, strict=True))

    def starts(self) -> Iterator[Point]:
        """Each candidate once, at all sites that have it; other sites keep their first."""
        seen = []
        for text in dict.fromkeys(t for c in self.choices for t in c.candidates):
            point = {
                c.label: text if text in c.candidates else next(iter(c.candidates))
                for c in self.choices
            }
            if point not in seen:
                seen.append(point)
                yield point

    def suggest(self, trial: Suggest) -> Point:
        """Draws a point; a candidate's own parameters only where it was drawn."""
        point: Point = {}
        for choice in self.choices:
            text = trial.suggest_categorical(choice.label, list(choice.candidates))
            point[choice.label] = text
            if self.with_parameters:
                for key, own in own_ranges(choice.candidates[text]).items():
                    name = f"{choice.label}.{choice.candidates[text].name}.{key}"
                    point[name] = own.suggest(trial, name)
        for key, other in self.ranges.items():
            point[key] = other.suggest(trial, key)
        return point

    def apply(self, base: TrainConfig, point: Mapping[str, Any]) -> TrainConfig:
        """The configuration of a trial: ``base`` with the point's values.

        Raises:
            UserError: a value that the configuration does not take.
        """
        chosen = base.activation
        for choice in self.choices:
            activation = _drawn(choice, point)
            if choice.label == WHOLE_MODEL:
                chosen = chosen.with_whole(activation)
            else:
                # A short command, but for sites that the base names: a name beats a pattern.
                named = any(site in chosen.layers for site in choice.sites)
                places = choice.sites if named or "+" in choice.label else [choice.label]
                chosen = chosen.with_layers(dict.fromkeys(places, activation))
        plain = base.as_dict() | {"activation": chosen}
        for key in self.ranges:
            set_key(plain, key, point[key])
        return from_dict(plain)


def _drawn(choice: Choice, point: Mapping[str, Any]) -> Activation:
    """The activation of a choice, with its own parameters where they were drawn."""
    activation = choice.candidates[point[choice.label]]
    prefix = f"{choice.label}.{activation.name}."
    own = {k.removeprefix(prefix): value for k, value in point.items() if k.startswith(prefix)}
    return Activation.parse(activation.as_dict() | own)


def own_ranges(activation: Activation) -> dict[str, Range]:
    """What a search draws of an activation's own parameters: those that the catalogue gives a
    range, and the user no value."""
    given = dict(activation.parameters)
    return {
        key: _own_range(parameter)
        for key, parameter in activation.entry.parameters.items()
        if parameter.search and key not in given
    }


def _own_range(parameter: Parameter) -> Range:
    assert parameter.search is not None
    low, high = parameter.search
    return Range(low, high, log=low > 0, whole=isinstance(parameter.default, int))


def set_key(plain: dict[str, Any], key: str, value: Any) -> None:
    """Replaces the value at a dotted key."""
    *path, last = key.split(".")
    for part in path:
        plain = plain[part]
    plain[last] = value


def baseline(base: TrainConfig) -> TrainConfig:
    """The run that finalists are compared with: the model's own baseline at every site."""
    own = network_class(base.model.name).baseline
    return replace(base, activation=ActivationChoice.parse(own))
