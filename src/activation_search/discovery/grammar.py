"""Formulas at random: new ones, and changed ones.

A core unit is b(u1(.), u2(.)), a binary operator on two unary ones, of ``x`` or of another unit
(Ramachandran et al. 2017, arXiv:1710.05941).
"""

from collections.abc import Callable, Sequence
from random import Random

from activation_search.activations.formula.expression import (
    Apply,
    Expression,
    Number,
    Symbol,
    X,
    constants,
    length,
    parts,
)
from activation_search.activations.formula.module import number_of
from activation_search.activations.formula.operators import OPERATORS
from activation_search.activations.formula.parse import MAX_NUMBER
from activation_search.errors import unknown

# Free division did badly in 1710.05941, and hyperbolic ones are in reach through exp.
PIECES = (
    "+", "-", "*", "max", "min",
    "neg", "abs", "**2", "**3", "sqrt", "exp", "expm1", "log", "sin", "cos", "tanh", "atan",
    "asinh", "erf", "sigmoid", "softplus", "relu", "elu", "gauss", "sinc", "number", "constant",
)  # fmt: skip
NUMBERS = (0.1, 0.25, 0.5, 2.0, 3.0)
MAX_CONSTANTS = 3  # learned ones, as in PANGAEA (arXiv:2006.03179)
NAMES = "abcdfghk"  # for them; e is a number
MAX_LENGTH = 20
PLAIN = 0.4  # how often a unit's argument is taken as it is


class Grammar:
    """Draws formulas from some operators.

    Args:
        pieces: operators by their names, ``number`` for factors and summands, ``constant`` for
            those that are learned; all of :data:`PIECES` by default.
        units: how many core units a new formula has at most, from 1 to 3.

    Raises:
        UserError: a piece that there is not.

    Example:
        Grammar().new(Random(0))
    """

    def __init__(self, pieces: Sequence[str] = PIECES, units: int = 2):
        for piece in pieces:
            if piece not in (*OPERATORS, "number", "constant"):
                raise unknown("piece of a formula", piece, (*OPERATORS, "number", "constant"))
        self.units = units
        self.unary = [p for p in pieces if p in OPERATORS and OPERATORS[p].arity == 1]
        self.binary = [p for p in pieces if p in OPERATORS and OPERATORS[p].arity == 2]
        self.factors = [p for p in pieces if p in ("number", "constant")]

    def new(self, draw: Random) -> Expression:
        """A formula of one to ``units`` core units."""
        expression: Expression = X
        for _ in range(draw.randint(1, self.units)):
            expression = self._unit(expression, draw)
        return expression

    def changed(self, parent: Expression, draw: Random) -> tuple[Expression, str]:
        """A mutation of a formula, and its name: ``insert``, ``remove``, ``change`` or
        ``regenerate``."""
        name = draw.choice(("insert", "remove", "change", "change", "regenerate"))
        index = draw.randrange(length(parent))
        part = list(parts(parent))[index]
        if name == "insert":
            new = self._unit(part, draw) if draw.random() < PLAIN else self._unary(part, draw)
        elif name == "remove":
            inside = [p for p in parts(parent) if isinstance(p, Apply)]
            part = draw.choice(inside) if inside else parent
            index = list(parts(parent)).index(part)
            new = draw.choice(part.arguments) if isinstance(part, Apply) else self.new(draw)
            new = X if isinstance(new, Number) else new
        elif name == "change":
            new = self._other(part, draw)
        else:
            new = self._unit(X, draw)
        return exchanged(parent, index, new), name

    def crossed(self, one: Expression, other: Expression, draw: Random) -> Expression:
        """One formula with a part of another in place of a part of its own."""
        index = draw.randrange(length(one))
        return exchanged(one, index, draw.choice(list(parts(other))))

    def _unit(self, argument: Expression, draw: Random) -> Expression:
        if not self.binary:
            return self._unary(argument, draw)
        left, right = argument, draw.choice((X, argument))
        if draw.random() > PLAIN:
            left = self._unary(left, draw)
        if draw.random() > PLAIN:
            right = self._unary(right, draw)
        return Apply(draw.choice(self.binary), (left, right))

    def _unary(self, argument: Expression, draw: Random) -> Expression:
        name = draw.choice([*self.unary, *self.factors] or ["neg"])
        if name in self.factors:
            sign = draw.choice([b for b in self.binary if b in ("*", "+")] or ["*"])
            return Apply(sign, (self._factor(name, draw), argument))
        return Apply(name, (argument,))

    def _factor(self, name: str, draw: Random) -> Expression:
        if name == "number":
            return Number(draw.choice(NUMBERS))
        return Symbol(f"c{draw.randrange(MAX_CONSTANTS)}")

    def _other(self, part: Expression, draw: Random) -> Expression:
        """Another operator, number or name of the same kind."""
        if not isinstance(part, Apply):
            if part == X or not self.factors:
                return self._unary(X, draw)
            return self._factor(draw.choice(self.factors), draw)
        if OPERATORS[part.operator].arity == 1:
            return self._unary(part.arguments[0], draw)
        return Apply(draw.choice(self.binary or [part.operator]), part.arguments)


def exchanged(expression: Expression, index: int, new: Expression) -> Expression:
    """The expression with another part in place of the one at an index of :func:`parts`."""
    if index == 0:
        return new
    assert isinstance(expression, Apply)
    index -= 1
    arguments = list(expression.arguments)
    for position, argument in enumerate(arguments):
        if index < length(argument):
            arguments[position] = exchanged(argument, index, new)
            break
        index -= length(argument)
    return Apply(expression.operator, tuple(arguments))


def mapped(expression: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """The expression with each part changed, from the inside out."""
    if isinstance(expression, Apply):
        inside = tuple(mapped(argument, change) for argument in expression.arguments)
        expression = Apply(expression.operator, inside)
    return change(expression)


def canonical(expression: Expression) -> Expression:
    """One form for formulas that are the same by sight: arguments that can be swapped are in
    order, double signs are gone, numbers are computed, and learned constants are ``a``, ``b``,
    ``c`` as they appear."""
    ordered = mapped(expression, _simple)
    names = dict(zip(constants(ordered), NAMES, strict=False))
    return mapped(
        ordered,
        lambda part: Symbol(names.get(part.name, part.name)) if isinstance(part, Symbol) else part,
    )


def _simple(part: Expression) -> Expression:
    if isinstance(part, Apply) and all(isinstance(inside, Number) for inside in part.arguments):
        value = number_of(part)
        return Number(float(f"{value:.4g}")) if abs(value) <= MAX_NUMBER else part
    match part:
        case Apply("neg", (Apply("neg", (inside,)),)):
            return inside
        case Apply("neg", (Number(value),)):
            return Number(-value)
        case Apply("abs", (Apply("neg" | "abs", (inside,)),)):
            return _simple(Apply("abs", (inside,)))
        case Apply("max" | "min", (one, other)) if one == other:
            return one
        case Apply("+", (Number(0.0), other)) | Apply("*", (Number(1.0), other)):
            return other
        case Apply(name, arguments) if OPERATORS[name].commutes:
            # Numbers and constants first, then the shorter one.
            ordered = tuple(sorted(arguments, key=_rank))
            return part if ordered == arguments else _simple(Apply(name, ordered))
    return part


def _rank(part: Expression) -> tuple[bool, bool, int, str]:
    constant = isinstance(part, Symbol) and part != X
    return (not isinstance(part, Number), not constant, length(part), repr(part))
