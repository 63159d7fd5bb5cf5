"""From what a survey saw to sites with names, and a table of which call belongs to which."""

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from torch import nn

from activation_search.activations.activation import Activation
from activation_search.errors import UserError
from activation_search.models.own.functions import Call
from activation_search.models.own.place import Place
from activation_search.models.own.survey import Event, Survey
from activation_search.models.own.units import OwnFunction, own_activation
from activation_search.models.sites import Site

# One activation for the whole model fills these; of a function's own name, those of units too.
HIDDEN = {"relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "celu", "selu", "gelu",
          "gelu_tanh", "quick_gelu", "silu", "mish", "hardswish", "relu2"}  # fmt: skip
# And these where the model has none of the above.
BOUNDED = {"tanh", "softsign", "hardtanh", "softplus"}

# Who calls, where, and behind which layer where one place serves several.
Key = tuple[str, Place, str]


@dataclass(frozen=True, order=True)
class Other:
    """A call of an activation that is no site.

    Attributes:
        owner, place: as of a site.
        layer: behind which, ``""`` where its place serves one only.
        unit: whether a unit is called.
    """

    owner: str
    place: Place
    layer: str
    unit: bool


@dataclass
class FoundSite:
    """A site of a user's model.

    Attributes:
        site: as all models have it; its default is the model's own function.
        owner: path of the unit, or of the module whose code calls the function.
        unit: whether it is a unit.
        own: computes the model's own function, out of place.
        place: in the code.
        after: path of the layer that feeds it, or ``""`` at the input.
        channels: of its input; 0 where they differ from call to call.
        channel_dim: where they lie, 1 or -1.
        keys: the calls that belong to it.
    """

    site: Site
    owner: str
    unit: bool
    own: nn.Module
    place: Place
    after: str
    channels: int
    channel_dim: int
    keys: list[Key] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.site.name

    def __str__(self) -> str:
        channels = self.channels or "varying"
        return f"{self.name}: {self.site.default}, {channels} channels, {self.place}"


def find_sites(
    found: Survey, units: dict[str, nn.Module], patterns: Sequence[str] = ()
) -> list[FoundSite]:
    """The sites of a model, in the order in which a sample passes them.

    Args:
        found: what the survey saw.
        units: path -> the unit that is registered there.
        patterns: sites that one activation for the whole model fills, in place of the rule.

    Raises:
        UserError: a pattern that matches no site.
    """
    groups = _groups(found.events)
    names: set[str] = set()
    sites = []
    for key, events in groups.items():
        if all(event.last for event in events):
            continue  # the output's, which the task owns
        first = events[0]
        base = flat_name(first.owner if first.unit else f"{first.owner}.{first.kind}".lstrip("."))
        # The first name that is free: a module may be called as the second call of another one.
        numbered = itertools.chain([base], (f"{base}_{n}" for n in itertools.count(1)))
        name = next(name for name in numbered if name not in names)
        names.add(name)
        own = units[first.owner] if first.unit else Call(first.kind, first.args, first.kwargs)
        label = type(own).__name__ if first.unit else first.kind
        channels, dim = _channels(events)
        site = Site(name, own_activation(first.kind, own, label), fixed_width=True)
        after = first.weights.path if first.weights else ""
        sites.append(
            FoundSite(site, first.owner, first.unit, own, first.place, after, channels, dim, [key])
        )
    return _filled(sites, patterns)


def other_calls(found: Survey, sites: Sequence[FoundSite]) -> list[Other]:
    """The calls of a survey that are no sites."""
    keys = {key for site in sites for key in site.keys}
    groups = _groups(found.events)
    return sorted(Other(*key, groups[key][0].unit) for key in groups if key not in keys)


def _groups(events: Sequence[Event]) -> dict[Key, list[Event]]:
    groups: dict[Key, list[Event]] = {}
    several = _places_of_several_layers(events)
    for event in events:
        where = (event.owner, event.place)
        groups.setdefault((*where, event.passed if where in several else ""), []).append(event)
    return groups


def _places_of_several_layers(events: Iterable[Event]) -> set[tuple[str, Place]]:
    """Places that were reached behind several weights, each used by a layer that was called."""
    behind: dict[tuple[str, Place], set[str]] = {}
    passed: dict[tuple[str, Place], set[str]] = {}
    for event in events:
        where = event.owner, event.place
        behind.setdefault(where, set()).add(event.weights.path if event.weights else "")
        passed.setdefault(where, set()).add(event.passed)
    return {where for where in passed if len(behind[where]) > 1 and len(passed[where]) > 1}


def flat_name(path: str) -> str:
    """A module's path as a name without dots that starts with a letter: ``1.relu`` is
    ``model_1_relu``."""
    name = re.sub(r"\W", "_", path) or "model"
    return f"model_{name}" if name[0].isdigit() else name


def _channels(events: Sequence[Event]) -> tuple[int, int]:
    """Number and dimension of the channels; 0 where calls disagree."""
    found = set()
    for event in events:
        weights, shape = event.weights, event.shape
        dim = -1 if weights is None or weights.channels_last or len(shape) <= 2 else 1
        if weights and len(shape) > 1 and shape[dim] != weights.outputs:
            other = 1 if dim == -1 else -1
            dim = other if shape[other] == weights.outputs else dim
        found.add((shape[dim] if shape else 0, dim))
    [first, *others] = sorted(found)
    return (0, first[1]) if others else first


def _filled(sites: list[FoundSite], patterns: Sequence[str]) -> list[FoundSite]:
    """Which sites ``activation=`` fills."""
    for pattern in patterns:
        if not any(fnmatchcase(found.name, pattern) for found in sites):
            names = ", ".join(found.name for found in sites)
            raise UserError(f"model.sites: {pattern} matches no site; sites: {names}.")

    def name_of(activation: Activation | str) -> str:
        return "relu" if isinstance(activation, OwnFunction) else Activation.parse(activation).name

    own = {found.name: name_of(found.site.default) for found in sites}
    usual = HIDDEN if HIDDEN & set(own.values()) else BOUNDED
    for found in sites:
        if patterns:
            fills = any(fnmatchcase(found.name, pattern) for pattern in patterns)
        else:
            fills = own[found.name] in usual
        found.site = Site(found.name, found.site.default, fills=fills, fixed_width=True)
    return sites
