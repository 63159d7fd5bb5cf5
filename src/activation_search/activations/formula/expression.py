"""The expression of a formula, as a tree."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    value: float


@dataclass(frozen=True)
class Symbol:
    """``x``, or a constant that is learned."""

    name: str


@dataclass(frozen=True)
class Apply:
    """An operator, by its name, with its arguments."""

    operator: str
    arguments: tuple["Expression", ...]


Expression = Number | Symbol | Apply
X = Symbol("x")
START = 1.0  # of a learned constant, unless the user says otherwise


def parts(expression: Expression) -> Iterator[Expression]:
    """The expression and all inside it, from the outside in, from left to right."""
    yield expression
    if isinstance(expression, Apply):
        for argument in expression.arguments:
            yield from parts(argument)


def constants(expression: Expression) -> tuple[str, ...]:
    """Names of its learned constants, in the order in which they appear."""
    names = (part.name for part in parts(expression) if isinstance(part, Symbol) and part != X)
    return tuple(dict.fromkeys(names))


def length(expression: Expression) -> int:
    """Number of its operators, numbers and names."""
    return sum(1 for _ in parts(expression))


def depth(expression: Expression) -> int:
    """Levels of operators; 0 for a number or a name."""
    if isinstance(expression, Apply):
        return 1 + max(map(depth, expression.arguments))
    return 0
