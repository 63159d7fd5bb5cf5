"""The search space: which activations may stand where, and what else is drawn.

A point of the space is a mapping from parameter name to value, as Optuna stores it: ``conv2`` ->
``"gelu"``, ``conv2.leaky_relu.negative_slope`` -> 0.13 (only where leaky_relu was drawn for
conv2), ``optim.lr`` -> 0.004.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Any, Protocol

from activation_search.activations import ENTRIES, Activation, Parameter
from activation_search.errors import UserError, unknown
from activation_search.models.sites import MODEL_DEFAULT, Site
from activation_search.search.config import DEFAULT_CANDIDATES, SearchConfig
from activation_search.settings import check
from activation_search.training.config import TrainConfig, from_dict

WHOLE_MODEL = "activation"  # label of the one choice for all sites
SEARCHED = ("model", "data", "optim", "trainer", "early_stopping", "init")  # beside activations

Point = dict[str, Any]


class Suggest(Protocol):
    """The part of an Optuna trial that a space needs."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any: ...
    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float: ...
    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int: ...


@dataclass(frozen=True)
class Choice:
    """One decision: the activation of a site, of tied sites, or of the whole model.

    label: its parameter name.
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
        plain = base.as_dict()
        for choice in self.choices:
            activation = choice.candidates[point[choice.label]].as_dict()
            prefix = f"{choice.label}.{activation['name']}."
            own = (key for key in point if key.startswith(prefix))
            activation |= {key.removeprefix(prefix): point[key] for key in own}
            if choice.label == WHOLE_MODEL:
                plain["activation"] = {**activation, "layers": plain["activation"]["layers"]}
            else:
                value = activation if len(activation) > 1 else activation["name"]
                plain["activation"]["layers"] |= dict.fromkeys(choice.sites, value)
        for key in self.ranges:
            set_key(plain, key, point[key])
        return from_dict(plain)


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


def build_space(search: SearchConfig, base: TrainConfig, sites: Sequence[Site]) -> Space:
    """The space over a model's sites.

    Raises:
        UserError: an unknown candidate, site or setting, a range that is none, or nothing to
            search.
    """
    if not search.per_site and search.tie:
        raise UserError("search.tie needs search.per_site=true; without it all sites share one.")
    candidates = _candidates(search.candidates, [site.name for site in sites])
    if not search.per_site and search.sites == "all":
        filled = [site for site in sites if site.fills]
        fitting = _fitting(candidates, filled[:1])
        choices = [Choice(WHOLE_MODEL, tuple(site.name for site in filled), fitting)]
    else:
        choices = _site_choices(search, sites, candidates)
    ranges = {key: _range(key, given, base) for key, given in search.hparams.items()}
    space = Space(tuple(choices), ranges, search.parameters)
    if space.size <= 1:
        raise UserError(
            "The search space is empty: nothing in it leaves a choice; give search.candidates "
            "at least two activations that fit the sites."
        )
    for point in _corners(space):
        check(space.apply(base, point))
    return space


def _site_choices(
    search: SearchConfig, sites: Sequence[Site], candidates: Mapping[str, list[Activation]]
) -> list[Choice]:
    names = [site.name for site in sites]
    if search.sites == "all":
        chosen = [site.name for site in sites if site.fills]
    else:
        chosen = _matching(search.sites, names)
    ties = [_matching(patterns, chosen) for patterns in search.tie]
    if not search.per_site:
        ties = [chosen]
    tied = [name for tie in ties for name in tie]
    if twice := next((name for name in tied if tied.count(name) > 1), None):
        raise UserError(f"search.tie names {twice} in two ties; put them together into one.")
    groups: list[list[str]] = []
    for name in chosen:
        group = next((tie for tie in ties if name in tie), [name])
        if group not in groups:
            groups.append(group)
    by_name = {site.name: site for site in sites}
    choices = []
    for group in groups:
        fitting = _fitting(candidates, [by_name[name] for name in group])
        if not fitting:
            raise UserError(f"The search space is empty: no candidate fits {group[0]}.")
        choices.append(Choice("+".join(group), tuple(group), fitting))
    return choices


def _matching(patterns: Any, names: Sequence[str]) -> list[str]:
    """The names that a pattern, or any of a list of patterns, matches; in the names' order."""
    wanted = [patterns] if isinstance(patterns, str) else patterns
    if not isinstance(wanted, Sequence) or not all(isinstance(item, str) for item in wanted):
        raise UserError(
            f"Sites are given as a pattern or a list of patterns, such as [conv1, fc*], "
            f"not {patterns!r}."
        )
    for pattern in wanted:
        if not any(fnmatchcase(name, pattern) for name in names):
            raise unknown("site", pattern, names)
    return [name for name in names if any(fnmatchcase(name, p) for p in wanted)]


def _candidates(given: Any, names: Sequence[str]) -> dict[str, list[Activation]]:
    """Site pattern -> candidates."""
    if isinstance(given, Mapping):
        for pattern in given:
            _matching(pattern, names)
        return {pattern: _candidates(items, names)["*"] for pattern, items in given.items()}
    if given == "default":
        given = DEFAULT_CANDIDATES
    if given == "all":
        given = [entry.name for entry in ENTRIES.values() if not entry.open_parameters]
    if isinstance(given, str):
        given = [given]
    if not isinstance(given, Sequence):
        raise UserError(
            f"search.candidates must be a list of activations, default or all, not {given!r}."
        )
    return {"*": [Activation.parse(item) for item in given]}


def _fitting(
    candidates: Mapping[str, list[Activation]], sites: Sequence[Site]
) -> dict[str, Activation]:
    """Those listed for the first site that can stand at all of them."""
    listed = next((items for p, items in candidates.items() if fnmatchcase(sites[0].name, p)), [])
    return {str(a): a for a in listed if all(_fits(site, a) for site in sites)}


def _fits(site: Site, activation: Activation) -> bool:
    """Whether a site can have an activation; a gate, only a bounded one of single channels."""
    entry = activation.entry
    if not site.fills:
        return entry.bounded and entry.family != "gated"
    return not (site.fixed_width and entry.changes_width)


def _range(key: str, given: Any, base: TrainConfig) -> Range:
    current = get_key(base.as_dict(), key)
    if (
        isinstance(current, Mapping)
        or key.partition(".")[0] not in SEARCHED
        or (key.endswith(".name"))
    ):
        raise UserError(
            f"search.hparams cannot draw {key}; it takes single settings below "
            f"{', '.join(SEARCHED)}, such as optim.lr."
        )
    if isinstance(given, Sequence) and not isinstance(given, str) and given:
        return Range(choices=tuple(given))
    if not isinstance(given, Mapping) or not {"low", "high"} <= set(given):
        raise UserError(
            f"search.hparams.{key} must be a list of values or {{low: …, high: …, log: true}}, "
            f"not {given!r}."
        )
    for name in given:
        if name not in ("low", "high", "log"):
            raise unknown(f"key of search.hparams.{key}", name, ("low", "high", "log"))
    low, high, log = given["low"], given["high"], bool(given.get("log", False))
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or low >= high:
        raise UserError(f"search.hparams.{key} needs low below high, not low={low}, high={high}.")
    if log and low <= 0:
        raise UserError(f"search.hparams.{key} on a log scale needs low above 0, not {low}.")
    whole = isinstance(current, int) and not isinstance(current, bool)
    if whole and not (isinstance(low, int) and isinstance(high, int)):
        raise UserError(f"search.hparams.{key} needs whole numbers, not low={low}, high={high}.")
    return Range(float(low), float(high), log, whole)


def _corners(space: Space) -> Iterator[Point]:
    """Points that show every candidate at every site, and both ends or all values of every range,
    to see whether the configuration takes them."""
    start: Point = {c.label: next(iter(c.candidates)) for c in space.choices}
    ends: dict[str, tuple[Any, ...]] = {}
    for key, values in space.ranges.items():
        kind = int if values.whole else float
        ends[key] = values.choices or (kind(values.low), kind(values.high))
    start |= {key: values[0] for key, values in ends.items()}
    yield start
    for key, several in [*((c.label, tuple(c.candidates)) for c in space.choices), *ends.items()]:
        yield from ({**start, key: value} for value in several[1:])


def get_key(plain: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key.

    Raises:
        UserError: there is no such setting.
    """
    node: Any = plain
    for part in key.split("."):
        if not isinstance(node, Mapping) or part not in node:
            siblings = node if isinstance(node, Mapping) else ()
            raise unknown(f"setting {key}:", part, siblings)
        node = node[part]
    return node


def set_key(plain: dict[str, Any], key: str, value: Any) -> None:
    """Replaces the value at a dotted key."""
    *path, last = key.split(".")
    for part in path:
        plain = plain[part]
    plain[last] = value


def baseline(base: TrainConfig) -> TrainConfig:
    """What finalists are compared with: ReLU everywhere; for an LSTM its own sigmoid and tanh."""
    name = MODEL_DEFAULT if base.model.name == "lstm" else "relu"
    plain = base.as_dict()
    return from_dict({**plain, "activation": {"name": name, "layers": {}}})
