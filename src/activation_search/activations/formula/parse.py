"""From text to an expression, by Python's own grammar and a list of what is allowed; nothing of
the text is ever executed.

python train.py activation=formula 'activation.expr="x * sigmoid(beta * x)"' activation.beta=1.5
"""

import ast
import math
import warnings
from collections.abc import Mapping
from functools import cache

from activation_search.activations.entry import Value
from activation_search.activations.formula.expression import (
    START,
    Apply,
    Expression,
    Number,
    Symbol,
    X,
    constants,
    depth,
    length,
    parts,
)
from activation_search.activations.formula.operators import FUNCTIONS, OPERATORS, POWERS
from activation_search.activations.formula.writing import to_text
from activation_search.errors import UserError, unknown

MAX_CHARACTERS = 500
MAX_LENGTH = 100  # operators, numbers and names
MAX_DEPTH = 25
MAX_NUMBER = 1e6

_SIGNS: dict[type, str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_NUMBERS = {"pi": math.pi, "e": math.e}
# Names that a constant cannot have: of settings, and of what torch's containers of parameters have.
_TAKEN = """
    expr sharing name layers target channels channel_dim self
    T_destination
    add_module apply bfloat16 buffers call_super_init children clear compile copy cpu cuda double
    dump_patches eval extra_repr float forward fromkeys get get_buffer get_extra_state
    get_parameter get_submodule half ipu items keys load_state_dict modules mtia named_buffers
    named_children named_modules named_parameters parameters pop popitem register_buffer
    register_module register_parameter requires_grad_ set_extra_state set_submodule setdefault
    share_memory state_dict to to_empty train training type update values xpu zero_grad
"""
_RESERVED = frozenset(_TAKEN.split())


@cache
def parse(text: str) -> Expression:
    """The expression of a formula in ``x``.

    1. Signs are ``+ - * /`` and ``**`` with a whole number from 2 to 8; functions are those of
       :data:`activation_search.activations.formula.operators.OPERATORS`; ``pi`` and ``e`` are
       numbers, and any other name is a constant that is learned.
    2. ``sqrt`` and ``log`` take the absolute value of their argument, ``exp`` and a divisor are
       kept in a range that cannot overflow by itself.

    Args:
        text: such as ``"x * sigmoid(beta * x)"``.

    Raises:
        UserError: not such a formula; the message gives the column, from 1.
    """
    if not isinstance(text, str) or not text.strip():
        raise UserError("A formula is text in x, such as 'x * sigmoid(x)', not empty.")
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"A formula has at most {MAX_CHARACTERS} characters, not {len(text)}.")
    for column, sign in enumerate(text, start=1):
        if not " " <= sign <= "~" or sign == "#":
            raise _error(text, column, f"{sign!r} is no sign of a formula; write Greek as beta")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own, of odd numbers
            tree = ast.parse(text.lstrip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise _error(text, column + _indent(text), "this cannot be read") from error
    expression = _Reader(text).read(tree)
    if len(to_text(expression)) > MAX_CHARACTERS:
        raise UserError(f"The formula has more than {MAX_CHARACTERS} characters when written out.")
    if depth(expression) > MAX_DEPTH or length(expression) > MAX_LENGTH:
        raise UserError(
            f"A formula has at most {MAX_LENGTH} signs and names, {MAX_DEPTH} deep, not "
            f"{length(expression)}, {depth(expression)} deep."
        )
    if X not in parts(expression):
        raise UserError(f"The formula {text.strip()!r} has no x in it, its input.")
    return expression


def check_formula(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """Settings of ``activation=formula`` as they are kept: the formula as it is written back, and
    the start values of its constants that are not 1.

    Raises:
        UserError: no formula, or a start value of a constant that it does not have.
    """
    if "expr" not in parameters:
        raise UserError(
            "formula needs a text in x: activation=formula "
            "'activation.expr=\"x * sigmoid(beta * x)\"'."
        )
    expression = parse(str(parameters["expr"]))
    checked: dict[str, Value] = {}
    for key, value in parameters.items():
        if key == "expr":
            checked[key] = to_text(expression)
        elif key == "sharing":
            checked[key] = value
        elif key not in constants(expression):
            raise unknown("constant of the formula", key, constants(expression))
        elif isinstance(value, str | bool) or not abs(value) <= MAX_NUMBER:
            raise UserError(f"The start of {key} must be a number up to 1e6, not {value!r}.")
        elif value != START:
            checked[key] = float(value)
    return checked


class _Reader:
    """Turns Python's tree into ours, piece by piece."""

    def __init__(self, text: str):
        self.text = text

    def read(self, node: ast.expr, level: int = 0) -> Expression:
        if level > 2 * MAX_DEPTH:
            raise self.error(node, f"this is nested deeper than {MAX_DEPTH} levels")
        match node:
            case ast.Constant():
                return self._number(node)
            case ast.Name():
                return self._name(node)
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                inside = self.read(operand, level + 1)
                if isinstance(inside, Number):
                    return Number(-inside.value)
                return Apply("neg", (inside,))
            case ast.UnaryOp(op=ast.UAdd(), operand=operand):
                return self.read(operand, level + 1)
            case ast.BinOp():
                return self._signed(node, level)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
                return self._call(node, name, arguments, level)
        raise self.error(node, "only numbers, names, + - * / ** and functions are allowed")

    def _number(self, node: ast.Constant) -> Number:
        value = node.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(node, f"{value!r} is no number")
        if not abs(value) <= MAX_NUMBER:
            raise self.error(node, f"numbers go up to {MAX_NUMBER:g}")
        return Number(float(value))

    def _name(self, node: ast.Name) -> Expression:
        name = node.id
        if name in _NUMBERS:
            return Number(_NUMBERS[name])
        if name in OPERATORS:
            raise self.error(node, f"{name} is a function; write {name}(x)")
        if name == "X":
            raise self.error(node, "the input is written x")
        if name in _RESERVED or len(name) > 20 or name.startswith("_"):
            raise self.error(node, f"{name[:20]!r} cannot name a constant")
        return Symbol(name)

    def _signed(self, node: ast.BinOp, level: int) -> Expression:
        sign = _SIGNS.get(type(node.op))
        if isinstance(node.op, ast.BitXor):
            raise self.error(node, "a power is written **, as in x**2")
        if sign is None:
            raise self.error(node, "the signs are + - * / **")
        left, right = self.read(node.left, level + 1), self.read(node.right, level + 1)
        if sign != "**":
            return Apply(sign, (left, right))
        if not isinstance(right, Number) or right.value not in POWERS:
            raise self.error(
                node.right,
                f"a power is a whole number from {POWERS[0]} to {POWERS[-1]}; there are also "
                "sqrt(x), exp(x) and 1 / x",
            )
        return Apply(f"**{right.value:g}", (left,))

    def _call(self, node: ast.Call, name: str, given: list[ast.expr], level: int) -> Expression:
        if name not in FUNCTIONS:
            raise self.error(node, str(unknown("function", name, FUNCTIONS)).rstrip("."))
        arity = OPERATORS[name].arity
        if len(given) != arity:
            raise self.error(
                node, f"{name} takes {arity} argument{'s'[: arity - 1]}, not {len(given)}"
            )
        return Apply(name, tuple(self.read(argument, level + 1) for argument in given))

    def error(self, node: ast.expr, reason: str) -> UserError:
        return _error(self.text, node.col_offset + 1 + _indent(self.text), reason)


def _indent(text: str) -> int:
    return len(text) - len(text.lstrip())


def _error(text: str, column: int, reason: str) -> UserError:
    return UserError(f"The formula {text!r}, column {column}: {reason}.")
