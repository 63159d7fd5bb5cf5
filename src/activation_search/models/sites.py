"""Sites, the named places where activations act, and what stands at each."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from activation_search.activations.activation import Activation
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.errors import UserError, unknown

# What people call the output layer, which is no site.
OUTPUT_NAMES = ("output", "outputs", "out", "head", "logits", "last", "final")

Assignment = dict[str, Activation]


@dataclass(frozen=True)
class Site:
    """A place for an activation.

    Args:
        name: flat, unique in its model: ``conv2``, ``lstm1_candidate``, ``block1_mlp``.
        default: the model's own activation at this site.
        fills: whether one activation chosen for the whole model goes there; not so for the
            gates of an LSTM.
        fixed_width: no weight layer before it could be made wider, so that only functions that
            keep the number of channels fit.
    """

    name: str
    default: str | Activation
    fills: bool = True
    fixed_width: bool = False


def assign(sites: Sequence[Site], given: Mapping[str, Any]) -> Assignment:
    """Which activation stands at which site.

    Args:
        sites: the model's, in order.
        given: ``{"name": "gelu", <its parameters>, "layers": {<site or pattern>: <activation>}}``.
            The name ``default`` leaves every site its own. A function that changes the width
            goes only where a layer can follow it. In ``layers`` an exact name beats a pattern,
            and a later pattern an earlier one.

    Raises:
        UserError: an activation, parameter, or site that does not exist, or one that does not
            fit where it was put by name.
    """
    rest = dict(given)
    layers = _flat(rest.pop("layers", None) or {}, {site.name for site in sites})
    general = None if rest["name"] == MODEL_DEFAULT else Activation.parse(rest)
    filled = [site for site in sites if site.fills]
    if general and filled and not any(_takes(site, general) for site in filled):
        raise UserError(
            f"{general.name} changes the number of channels, and no layer of this model can follow "
            f"it; choose one that keeps it, such as {filled[0].default}."
        )
    assignment = {
        site.name: general if general and _takes(site, general) else Activation.parse(site.default)
        for site in sites
    }
    by_name = {site.name: site for site in sites}
    if strange := [key for key in layers if not isinstance(key, str)]:
        raise unknown("site", strange[0], by_name)
    patterns = [key for key in layers if key not in by_name]
    for key in [*patterns, *(key for key in layers if key in by_name)]:
        chosen = Activation.parse(layers[key])
        matched = [name for name in by_name if fnmatchcase(name, key)]
        if not matched and key in OUTPUT_NAMES:
            raise UserError(
                f"The output takes no activation, not even {chosen.name}: the task puts the right "
                f"one there (softmax, sigmoid, tanh or none). Sites: {', '.join(by_name)}."
            )
        if not matched:
            raise unknown("site", key, by_name)
        for name in matched:
            site = by_name[name]
            if site.fixed_width and chosen.entry.changes_width:
                raise UserError(
                    f"{chosen.name} changes the number of channels and cannot stand at {name}, "
                    "where no layer before it can follow; choose one that keeps it, "
                    f"such as {site.default}."
                )
            if not site.fills and chosen.entry.family == "gated":
                raise UserError(
                    f"{chosen.name} mixes channels and cannot stand at the gate {name}; "
                    f"choose an element-wise function, such as {site.default}."
                )
            assignment[name] = chosen
    return assignment


def _flat(layers: Mapping[Any, Any], sites: Collection[str]) -> dict[Any, Any]:
    """Names of sites as the sites have them: ``layer1.0.relu`` and ``{layer1: {0: {relu: ...}}}``,
    which is what the command line makes of it, are ``layer1_0_relu``."""
    flat: dict[Any, Any] = {}
    for key, value in layers.items():
        if isinstance(value, Mapping) and value and "name" not in value:
            inner = _flat(value, ())
            flat |= {f"{key}_{name}": activation for name, activation in inner.items()}
        else:
            known = key in sites or not isinstance(key, str)
            flat[key if known else key.replace(".", "_")] = value
    return flat


def _takes(site: Site, activation: Activation) -> bool:
    return site.fills and not (site.fixed_width and activation.entry.changes_width)
