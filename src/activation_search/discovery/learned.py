"""Learned curves: the mean of what activations such as ``pwlu`` became, and a formula for it."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from activation_search.activations import Activation
from activation_search.activations.curve import learned_curve
from activation_search.discovery.fit import Fit, fit_formula
from activation_search.errors import UserError
from activation_search.training.result import RunResult

X = torch.linspace(-4, 4, 161)


def mean_curve(results: Sequence[RunResult], x: Tensor = X) -> Tensor:
    """The mean over runs, sites and channels of what activations have learned.

    Args:
        results: runs with learnable activations.
        x: points ``[N]``.

    Returns:
        ``[N]``

    Raises:
        UserError: no run has an activation that learned a function of single channels.
    """
    curves = [
        learned_curve(activation, learned, x).mean(1)
        for result in results
        for activation, learned in _learned(result)
    ]
    if not curves:
        names = ", ".join(result.directory for result in results)
        raise UserError(
            f"No activation of {names} has learned a curve; train with activation=pwlu, apl, "
            "rational, or another one that learns."
        )
    return torch.stack(curves).mean(0)


def _learned(result: RunResult) -> Iterator[tuple[Activation, dict[str, list]]]:
    """Functions of single channels with what they have learned; custom code is not followed."""
    for site, learned in result.learned.items():
        activation = Activation.from_text(result.assignment[site])
        if activation.entry.inputs == 1 and activation.entry.name != "custom":
            yield activation, learned


def freeze(results: Sequence[RunResult], tries: int = 1500, seed: int = 0) -> Fit:
    """A short formula for what runs have learned, with its constants as numbers.

    Args:
        results: see :func:`mean_curve`.
        tries, seed: see :func:`activation_search.discovery.fit.fit_formula`.

    Raises:
        UserError: see :func:`mean_curve`.

    Example:
        str(freeze([acts.train("model=mlp", "data=digits", "activation=pwlu")]))
    """
    return fit_formula(X, mean_curve(results), tries, seed).with_numbers()
