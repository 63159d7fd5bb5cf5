"""A formula as a torch module."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from activation_search.activations.formula.expression import (
    START,
    Expression,
    Number,
    Symbol,
    X,
    constants,
)
from activation_search.activations.formula.guarded import COMPUTE
from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_text
from activation_search.activations.learnable import Learnable


class Formula(Learnable):
    """Computes a formula; its constants are learned.

    Args:
        expr: the formula, see :func:`activation_search.activations.formula.parse.parse`.
        channels, channel_dim, sharing: of the constants, see :class:`Learnable`.
        **starts: of the constants, each 1 by default.

    Raises:
        UserError: ``expr`` is no formula.

    Example:
        Formula("x * sigmoid(beta * x)", beta=1.5)(torch.randn(8, 3))
    """

    def __init__(
        self,
        expr: str,
        channels: int = 1,
        channel_dim: int = 1,
        sharing: str = "channel",
        **starts: float,
    ):
        super().__init__(channels, channel_dim, sharing)
        self.expression = parse(expr)
        self.constants = nn.ParameterDict(
            {name: self.start(starts.get(name, START)) for name in constants(self.expression)}
        )

    def compute(self, x: Tensor) -> Tensor:
        constants = {name: self.along(value, x) for name, value in self.constants.items()}
        return evaluate(self.expression, x, constants)

    def extra_repr(self) -> str:
        return f"{to_text(self.expression)}, {super().extra_repr()}"


def evaluate(expression: Expression, x: Tensor, constants: Mapping[str, Tensor]) -> Tensor:
    """The value of an expression.

    Args:
        x: any shape, floating.
        constants: their values, in shapes that broadcast over ``x``.
    """
    if isinstance(expression, Number):
        return torch.full((), expression.value, dtype=x.dtype, device=x.device)
    if isinstance(expression, Symbol):
        return x if expression == X else constants[expression.name]
    inside = (evaluate(argument, x, constants) for argument in expression.arguments)
    return COMPUTE[expression.operator](*inside)


def number_of(expression: Expression) -> float:
    """The value of an expression without ``x``, in float64."""
    return evaluate(expression, torch.zeros((), dtype=torch.float64), {}).item()
