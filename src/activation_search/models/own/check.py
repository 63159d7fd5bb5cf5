"""Whether a user's model can be used, and computes the same through its sites."""

import copy
import random
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from activation_search.errors import UserError
from activation_search.models.own.install import Slot, calls_sites, install
from activation_search.models.own.place import Place
from activation_search.models.own.sites import FoundSite, Other
from activation_search.models.own.survey import output_of


def check_usable(model: nn.Module) -> None:
    """A model whose code can be looked at, and which is no result of ``replace``.

    Raises:
        UserError: it is scripted, in part, or has other activations already.
    """
    for path, module in model.named_modules():
        if isinstance(module, torch.jit.ScriptModule):
            part = f"{path} in the model" if path else "The model"
            raise UserError(f"{part} is scripted (torch.jit); give the module it was made from.")
        if isinstance(module, Slot) or calls_sites(module):
            raise UserError(
                "The model has other activations at its sites already; give the one that "
                "replace() was given, or what restore() makes of this one."
            )


def copied(model: nn.Module) -> nn.Module:
    """A deep copy of a user's model.

    Raises:
        UserError: it cannot be copied.
    """
    try:
        return copy.deepcopy(model)
    except Exception as error:  # whatever the user's parts raise
        reason = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
        raise UserError(
            f"The model cannot be copied (copy.deepcopy says: {reason}): it keeps a result with "
            "gradients as an attribute, as old nn.utils.weight_norm does (parametrizations."
            "weight_norm does not), or a part that cannot be copied, such as a torch.jit function."
        ) from error


@contextmanager
def random_numbers_kept() -> Iterator[None]:
    """Leaves the generators of torch, Python and NumPy as they are."""
    state, numpy_state = random.getstate(), np.random.get_state()  # noqa: NPY002 (what models draw from)
    with torch.random.fork_rng(devices=[]):
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numpy_state)  # noqa: NPY002


def check_against_itself(
    model: nn.Module,
    through: nn.Module,
    sites: Sequence[FoundSite],
    others: Sequence[Other],
    batches: Sequence[Tensor],
    in_place: Sequence[Place],
) -> list[Any]:
    """The model's own functions through the slots must give what the untouched model gives.

    Args:
        model: the user's.
        through: a copy of it, which is used up.
        sites, others: of it.
        batches: inputs.
        in_place: where calls that overwrite their input were seen.

    Returns:
        What the untouched model gives for each batch, in evaluation and then in training mode.

    Raises:
        UserError: they do not, as where a result is written in place and its name used again.
    """
    own = {site.name: copy.deepcopy(site.own) for site in sites}
    install(through, sites, own, others)
    outputs = _outputs(copied(model), batches)
    if all(map(_are_close, outputs, _outputs(through, batches, own.values()))):
        return outputs
    if not all(map(_are_close, outputs, _outputs(copied(model), batches))):
        raise UserError(
            "The model gives something else for the same input, also without changes: it draws "
            "random numbers of a generator of its own, or keeps count across copies."
        )
    if in_place:
        where = ", ".join(dict.fromkeys(map(str, in_place)))
        raise UserError(
            "The model needs an activation to overwrite its input in place, and gives something "
            f"else where it does not: see {where}; use the result of the call, as in x = F.relu(x)."
        )
    where = ", ".join(dict.fromkeys(str(site.place) for site in sites))
    raise UserError(
        "The model gives something else once its own activations are called at their sites, so "
        f"that one of these is more than a function of its input: {where}."
    )


def _outputs(
    model: nn.Module, batches: Sequence[Tensor], held: Iterable[nn.Module] = ()
) -> list[Any]:
    """Of each batch, in evaluation and then in training mode; ``held`` are modules that the model
    calls and does not register."""
    outputs = []
    for training in (False, True):
        for batch in batches:
            for module in (model, *held):
                module.train(training)
            torch.default_generator.manual_seed(0)
            random.seed(0)
            np.random.seed(0)  # noqa: NPY002
            with torch.no_grad():
                outputs.append(output_of(model(batch.clone())))
    return outputs


def _are_close(one: Any, other: Any) -> bool:
    """Whether tensors, or whatever holds tensors, agree; what cannot be compared is left alone."""
    try:
        torch.testing.assert_close(one, other, rtol=1e-5, atol=1e-6, equal_nan=True)
    except AssertionError:
        return False
    except (TypeError, ValueError):
        return True
    return True
