"""Sites, the named places where activations act, and what stands at each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from activation_search.activations import Activation, ActivationChoice
from activation_search.errors import UserError, unknown

# What people call the output layer, which is no site.
OUTPUT_NAMES = ("output", "outputs", "out", "head", "logits", "last", "final")

Assignment = dict[str, Activation]
GivenActivations = str | Mapping[str, Any] | ActivationChoice


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


def assign(sites: Sequence[Site], given: GivenActivations) -> Assignment:
    """Which activation stands at which site.

    Args:
        sites: the model's, in order.
        given: a choice, or what :meth:`ActivationChoice.parse` reads. A function for the whole
            model that changes the width goes only where a layer can follow it. In ``layers`` an
            exact name beats a pattern, and a later pattern an earlier one.

    Raises:
        UserError: an activation, parameter, or site that does not exist, or one that does not
            fit where it was put by name.
    """
    choice = ActivationChoice.parse(given)
    general = choice.whole
    filled = [site for site in sites if site.fills]
    if general and not filled:
        raise UserError(
            f"activation={general.name} goes to no site of this model; name them, such as "
            f"activation.layers.{sites[0].name if sites else '<site>'}={general.name}."
        )
    if general and not any(_takes(site, general) for site in filled):
        raise UserError(
            f"{general.name} changes the number of channels, and no layer of this model can follow "
            f"it; choose one that keeps it, such as {filled[0].default}."
        )
    assignment = {
        site.name: general if general and _takes(site, general) else Activation.parse(site.default)
        for site in sites
    }
    by_name = {site.name: site for site in sites}
    for key, chosen in sorted(choice.layers.items(), key=lambda layer: layer[0] in by_name):
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


def _takes(site: Site, activation: Activation) -> bool:
    return site.fills and not (site.fixed_width and activation.entry.changes_width)
