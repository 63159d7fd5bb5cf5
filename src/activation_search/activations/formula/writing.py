"""The ways in which a formula is written: as the parser reads it, for a paper, for Python."""

import math
from collections.abc import Callable, Mapping

from activation_search.activations.formula.expression import (
    START,
    Apply,
    Expression,
    Number,
    Symbol,
    constants,
    parts,
)
from activation_search.activations.formula.operators import ATOM, NEGATE, OPERATORS, RAISE

GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "mu",
         "nu", "xi", "rho", "sigma", "tau", "phi", "chi", "psi", "omega")  # fmt: skip


def to_latex(expression: Expression) -> str:
    """For a paper; learned constants by their names.

    Example:
        to_latex(parse("x * sigmoid(beta * x)"))  # x \\, \\sigma(\\beta \\, x)
    """
    return written(expression, _latex_template, _latex_name, _latex_number)


def to_torch(expression: Expression, values: Mapping[str, float] | None = None) -> str:
    """A line of Python that needs nothing but torch, with the guards that it is computed with.

    Args:
        values: of the learned constants; 1 where one is left out.

    Example:
        to_torch(parse("x * sigmoid(beta * x)"), {"beta": 1.7})
        # lambda x: x * torch.sigmoid(1.7 * x)
    """
    known = dict.fromkeys(constants(expression), START) | dict(values or {})
    line = written(_folded(_with_values(expression, known)), _torch_template, str, number_text)
    return f"lambda x: {line}"


def _latex_template(part: Apply) -> str:
    template = OPERATORS[part.operator].latex
    inside = part.arguments[0]
    is_function = isinstance(inside, Apply) and not OPERATORS[inside.operator].binds
    if OPERATORS[part.operator].binds == RAISE and is_function:
        # A power after the brackets of a function would be read as one of its argument.
        return template.replace("{0}", "\\left({0}\\right)")
    return template


def _latex_number(value: float) -> str:
    digits, _, power = number_text(value).partition("e")
    return f"{digits} \\cdot 10^{{{int(power)}}}" if power else digits


def _latex_name(name: str) -> str:
    if name in GREEK:
        return f"\\{name}"
    return name if len(name) == 1 else "\\mathrm{" + name.replace("_", "\\_") + "}"


def _torch_template(part: Apply) -> str:
    """torch's functions of two tensors take no numbers; a divisor that is one needs no guard."""
    numbers = [isinstance(argument, Number) for argument in part.arguments]
    divisor = part.arguments[-1]
    if part.operator == "/" and isinstance(divisor, Number):
        return "{0} / {1}" if abs(divisor.value) >= 1e-6 else "{0} / 1e-6"
    if part.operator in ("max", "min") and any(numbers):
        limit, other = (0, 1) if numbers[0] else (1, 0)
        bound = "min" if part.operator == "max" else "max"
        return f"torch.clamp({{{other}}}, {bound}={{{limit}}})"
    return OPERATORS[part.operator].torch


def _with_values(expression: Expression, values: Mapping[str, float]) -> Expression:
    if isinstance(expression, Symbol) and expression.name in values:
        return Number(values[expression.name])
    if isinstance(expression, Apply):
        inside = tuple(_with_values(argument, values) for argument in expression.arguments)
        return Apply(expression.operator, inside)
    return expression


def _folded(expression: Expression) -> Expression:
    """With each part that has no x in it computed, in float64."""
    if not isinstance(expression, Apply):
        return expression
    if not any(isinstance(part, Symbol) for part in parts(expression)):
        from activation_search.activations.formula.module import number_of

        return Number(number_of(expression))
    return Apply(expression.operator, tuple(map(_folded, expression.arguments)))


def written(
    expression: Expression,
    template_of: Callable[[Apply], str],
    name_of: Callable[[str], str],
    number_of: Callable[[float], str],
) -> str:
    """The text of an expression, with the brackets that it needs.

    Args:
        template_of: how an operator is written around its arguments ``{0}`` and ``{1}``.
        name_of: how a symbol is written.
        number_of: how a number is.
    """

    def write(part: Expression) -> tuple[str, int]:
        """The text, and how tightly it binds."""
        if isinstance(part, Number):
            return number_of(part.value), ATOM if part.value >= 0 else NEGATE
        if isinstance(part, Symbol):
            return name_of(part.name), ATOM
        template, binds = template_of(part), OPERATORS[part.operator].binds
        inside = [write(argument) for argument in part.arguments]
        if not binds:
            return template.format(*(text for text, _ in inside)), ATOM
        if template.startswith("\\frac"):
            return template.format(*(text for text, _ in inside)), RAISE
        # a - (b - c) keeps its brackets, and so does (a**2)**3.
        needed = [binds + (position == 1 or binds == RAISE) for position in range(len(inside))]
        # Two signs in a row need brackets as well, in a paper and for the eye.
        texts = [
            f"({text})" if inner < least or (position and text.startswith("-")) else text
            for position, ((text, inner), least) in enumerate(zip(inside, needed, strict=True))
        ]
        return template.format(*texts), binds

    return write(expression)[0]


def to_text(expression: Expression) -> str:
    """As the parser reads it.

    Example:
        to_text(Apply("*", (X, Apply("sigmoid", (X,)))))  # x * sigmoid(x)
    """
    return written(expression, _text_template, str, _named_number)


def _text_template(part: Apply) -> str:
    operator = OPERATORS[part.operator]
    if operator.name == "neg":
        return "-{0}"
    if operator.arity == 1 and operator.binds:
        return f"{{0}}{operator.name}"  # a power
    if operator.binds:
        return f"{{0}} {operator.name} {{1}}"
    return f"{operator.name}(" + ", ".join(f"{{{n}}}" for n in range(operator.arity)) + ")"


def _named_number(value: float) -> str:
    return {math.pi: "pi", math.e: "e"}.get(value) or number_text(value)


def number_text(value: float) -> str:
    """A number in the fewest digits that give it back."""
    return repr(int(value)) if value == int(value) and abs(value) < 1e16 else repr(value)
