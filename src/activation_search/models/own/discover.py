"""Finds the sites of a user's model: surveys it, and checks it against itself."""

import copy
import traceback
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from activation_search.errors import UserError
from activation_search.models.own.check import (
    check_against_itself,
    check_usable,
    copied,
    random_numbers_kept,
)
from activation_search.models.own.functions import CALLS, MODULES, Call
from activation_search.models.own.install import set_child
from activation_search.models.own.sites import FoundSite, Other, find_sites, other_calls
from activation_search.models.own.survey import Recording, Survey, survey
from activation_search.models.own.units import is_unit


@dataclass
class Discovery:
    """What was found in a model.

    Attributes:
        sites: in the order in which a sample passes them.
        layers: paths of modules with weights, in that order.
        others: calls of activations that are no sites.
        survey: everything that was seen.
        output: what the untouched model gives for the first batch, in evaluation mode.
        output_in_training: the same in training mode.
    """

    sites: list[FoundSite]
    layers: list[str]
    others: list[Other]
    survey: Survey
    output: Any
    output_in_training: Any


def find_units(model: nn.Module, never: Collection[str] = ()) -> dict[str, nn.Module]:
    """Path -> what computes the activation that is registered there, or kept as an attribute.

    Args:
        model: to look through.
        never: paths of modules that are no units, whose code is looked at instead.
    """
    units: dict[str, nn.Module] = {}
    looked: set[nn.Module] = set()  # one that is registered under several names is looked at once

    def look(module: nn.Module, path: str) -> None:
        looked.add(module)
        prefix = f"{path}." if path else ""
        for name, value in list(vars(module).items()):
            own = f"{prefix}{name}" not in never and not name.startswith("_")
            if own and callable(value) and _kind_of(value):
                units[f"{prefix}{name}"] = Call(_kind_of(value), (), {})
        for name, child in module._modules.items():
            if child is not None and f"{prefix}{name}" not in never and is_unit(child):
                units[f"{prefix}{name}"] = child
            elif child is not None and child not in looked:
                look(child, f"{prefix}{name}")

    look(model, "")
    return units


def _kind_of(function: Any) -> str:
    try:
        return CALLS.get(function, "")
    except TypeError:  # not hashable
        return ""


def out_of_place(unit: nn.Module) -> nn.Module:
    """A unit that leaves its input alone; one of torch's that would not is copied."""
    if not getattr(unit, "inplace", False):
        return unit
    other = copy.copy(unit)
    other.inplace = False  # type: ignore[assignment]
    return other


def without_fast_paths(model: nn.Module) -> None:
    """Torch's Transformer layers would pass their activation by in evaluation."""
    for module in model.modules():
        if hasattr(module, "activation_relu_or_gelu"):
            module.activation_relu_or_gelu = 0  # type: ignore[assignment]


def discover(model: nn.Module, batches: list[Tensor], patterns: Sequence[str] = ()) -> Discovery:
    """Finds the sites of a model.

    Args:
        model: any, left as it is.
        batches: inputs of different sizes, as the model takes them.
        patterns: sites that one activation for the whole model fills; by default those of
            functions that are used in hidden layers.

    Raises:
        UserError: the model cannot be used, with the reason.
    """
    check_usable(model)
    with random_numbers_kept(), warnings.catch_warnings():
        # Without gradients some models warn, as checkpointing does; training shows what is due.
        warnings.simplefilter("ignore")
        units, found = _look(model, batches)
        own = {path: out_of_place(unit) for path, unit in units.items()}
        sites = find_sites(found, own, patterns)
        if not sites:
            fused = f"; those inside {', '.join(found.fused)} are fused" if found.fused else ""
            raise UserError(f"No activation function was found in the model{fused}.")
        others = other_calls(found, sites)
        through = copied(model)
        without_fast_paths(through)
        outputs = check_against_itself(model, through, sites, others, batches, found.in_place)
    return Discovery(sites, found.layers, others, found, outputs[0], outputs[len(batches)])


def _look(model: nn.Module, batches: list[Tensor]) -> tuple[dict[str, nn.Module], Survey]:
    """Units and what a survey saw; a module that is called with further arguments is no unit."""
    never: set[str] = set()
    while True:
        looked_at = copied(model)
        without_fast_paths(looked_at)
        units = find_units(model, never)
        for path, unit in units.items():
            parent, _, name = path.rpartition(".")
            kind = unit.name if isinstance(unit, Call) else MODULES.get(type(unit), "")
            holder = looked_at.get_submodule(parent)
            if isinstance(unit, Call):
                recording = Recording(unit, path, kind, function=getattr(holder, name))
            else:
                recording = Recording(looked_at.get_submodule(path), path, kind)
            set_child(holder, name, recording)
        try:
            found = survey(looked_at, batches)
        except Exception as error:  # whatever the user's forward raises
            raise UserError(
                f"The model fails on a batch {list(batches[0].shape)}: "
                f"{type(error).__name__}: {' '.join(str(error).split())}{_line(error)}."
            ) from error
        if not found.with_arguments - never:
            return units, found
        never |= found.with_arguments


def _line(error: Exception) -> str:
    """Where in the user's code it was raised."""
    root = str(Path(torch.__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if root not in f.filename]
    own = [f for f in frames if Path(__file__).parent != Path(f.filename).parent]
    return f" ({Path(own[-1].filename).name}:{own[-1].lineno})" if own else ""
