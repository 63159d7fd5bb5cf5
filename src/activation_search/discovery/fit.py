"""Fits a short formula to a curve, such as one that was learned.

python -c "
import torch
from activation_search.discovery.fit import fit_formula
x = torch.linspace(-4, 4, 101, dtype=torch.float64)
print(fit_formula(x, torch.nn.functional.silu(x)))"
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from torch import Tensor

from activation_search.activations.formula.expression import (
    START,
    Apply,
    Expression,
    Number,
    Symbol,
    X,
    constants,
    length,
    parts,
)
from activation_search.activations.formula.module import evaluate
from activation_search.activations.formula.parse import MAX_NUMBER
from activation_search.activations.formula.writing import to_text
from activation_search.discovery.evolution import Evolution, Exhausted
from activation_search.discovery.grammar import Grammar, canonical, exchanged, mapped
from activation_search.errors import UserError

PRICE = 1e-4  # of a sign or name, in shares of the variance
EXACT = 1e-10  # share of the variance that counts as nothing left


@dataclass(frozen=True)
class Fit:
    """A formula for a curve.

    values: of its constants, in four digits. error: share of the curve's variance that it leaves
    with them.
    """

    expression: Expression
    values: dict[str, float]
    error: float

    def with_numbers(self) -> "Fit":
        """The same with its constants written as numbers, which are not learned any more."""
        numbers = {name: Number(value) for name, value in self.values.items()}

        def fixed(part: Expression) -> Expression:
            return numbers.get(part.name, part) if isinstance(part, Symbol) else part

        return Fit(mapped(self.expression, fixed), {}, self.error)

    def __str__(self) -> str:
        settings = "".join(f", {name}={value:.4g}" for name, value in self.values.items())
        return f"{to_text(self.expression)}{settings} (leaves {self.error:.2g} of the variance)"


def fit_formula(
    x: Tensor, y: Tensor, tries: int = 3000, seed: int = 0, grammar: Grammar | None = None
) -> Fit:
    """The formula that fits best, a longer one only if it fits better.

    The constants of each are found by ``scipy.optimize.least_squares``.

    Args:
        x, y: the curve, ``[N]`` each.
        tries: how many formulas; it ends early at one that leaves nothing.
        seed: of the draws.
        grammar: what formulas are made of; all pieces by default.

    Raises:
        UserError: the curve is not finite everywhere, or there are no tries.

    Example:
        fit_formula(x, torch.nn.functional.silu(x)).expression  # x * sigmoid(x)
    """
    x, y = x.double().cpu(), y.double().cpu()
    if tries < 1 or not (x.isfinite().all() and y.isfinite().all()):
        raise UserError(
            f"A formula is fitted to a finite curve by one try or more, not by {tries} to one with "
            f"{int((~y.isfinite()).sum())} values that are not finite."
        )
    search = Evolution(grammar or Grammar(), seed, population=100, tournament=10)
    best, best_price = None, math.inf
    for _ in range(tries):
        try:
            candidate = search.ask()
        except Exhausted:
            break
        found = _fitted(candidate.expression, x, y)
        price = found.error + PRICE * _size(candidate.expression)
        search.tell(candidate, price)
        if price < best_price:
            best, best_price = found, price
            if found.error < EXACT:
                break
    assert best is not None
    found = _shortened(best, x, y)
    rounded = [float(f"{value:.4g}") for value in found.values.values()]
    return _measured(found.expression, np.array(rounded), x, y)


def _shortened(fit: Fit, x: Tensor, y: Tensor) -> Fit:
    """The fit without parts that it does not need."""
    for index, part in enumerate(parts(fit.expression)):
        for shorter in (X, *(part.arguments if isinstance(part, Apply) else ())):
            expression = canonical(exchanged(fit.expression, index, shorter))
            if _size(expression) < _size(fit.expression) and X in parts(expression):
                found = _fitted(expression, x, y)
                if found.error <= max(fit.error, EXACT):
                    return _shortened(found, x, y)
    return fit


def _size(expression: Expression) -> int:
    """Length, where a constant counts as much as the number that must be written for it."""
    return length(expression) + 2 * len(constants(expression))


def _fitted(expression: Expression, x: Tensor, y: Tensor) -> Fit:
    at = np.full(len(constants(expression)), START)
    if len(at):
        at = least_squares(lambda at: _residuals(expression, at, x, y), at, max_nfev=30).x
    # No further than formulas can be written.
    return _measured(expression, at.clip(-MAX_NUMBER, MAX_NUMBER), x, y)


def _measured(expression: Expression, at: np.ndarray, x: Tensor, y: Tensor) -> Fit:
    error = np.mean(_residuals(expression, at, x, y) ** 2) / (y.numpy().var() or 1.0)
    return Fit(expression, dict(zip(constants(expression), at.tolist(), strict=True)), float(error))


def _residuals(expression: Expression, at: np.ndarray, x: Tensor, y: Tensor) -> np.ndarray:
    names = constants(expression)
    given = {name: x.new_tensor(value) for name, value in zip(names, at, strict=True)}
    values = evaluate(expression, x, given).expand_as(x).numpy()
    return np.nan_to_num(values - y.numpy(), nan=1e3, posinf=1e3, neginf=-1e3)
