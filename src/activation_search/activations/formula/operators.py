"""The operators of formulas. Torch is not imported; ``guarded`` holds what they compute."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Operator:
    """A row of the table.

    Attributes:
        name: in a formula: a sign, or the name of a function.
        latex, torch: templates with the arguments as ``{0}`` and ``{1}``; ``torch`` writes the
            function as it is computed, guards included.
        arity: number of arguments.
        binds: how tightly a sign binds; 0 for a function.
    """

    name: str
    latex: str
    torch: str
    arity: int = 1
    binds: int = 0

    @property
    def commutes(self) -> bool:
        """Whether its arguments can be swapped."""
        return self.name in ("+", "*", "max", "min")


ADD, MULTIPLY, NEGATE, RAISE, ATOM = 1, 2, 3, 4, 5  # how tightly signs and what is whole bind

# fmt: off
_TABLE = (
    Operator("+", "{0} + {1}", "{0} + {1}", 2, ADD),
    Operator("-", "{0} - {1}", "{0} - {1}", 2, ADD),
    Operator("*", "{0} \\, {1}", "{0} * {1}", 2, MULTIPLY),
    Operator("/", "\\frac{{{0}}}{{{1}}}", "{0} / torch.where(torch.abs({1}) < 1e-6, 1e-6, {1})",
             2, MULTIPLY),
    Operator("neg", "-{0}", "-{0}", 1, NEGATE),
    Operator("max", "\\max({0}, {1})", "torch.maximum({0}, {1})", 2),
    Operator("min", "\\min({0}, {1})", "torch.minimum({0}, {1})", 2),
    Operator("abs", "\\left|{0}\\right|", "torch.abs({0})"),
    Operator("sqrt", "\\sqrt{{\\left|{0}\\right|}}",
             "torch.sqrt(torch.clamp(torch.abs({0}), min=1e-12))"),
    Operator("exp", "\\exp({0})", "torch.exp(torch.clamp({0}, max=80.0))"),
    Operator("expm1", "(\\exp({0}) - 1)", "torch.expm1(torch.clamp({0}, max=80.0))"),
    Operator("log", "\\log\\left|{0}\\right|", "torch.log(torch.clamp(torch.abs({0}), min=1e-6))"),
    Operator("sin", "\\sin({0})", "torch.sin({0})"),
    Operator("cos", "\\cos({0})", "torch.cos({0})"),
    Operator("tanh", "\\tanh({0})", "torch.tanh({0})"),
    Operator("atan", "\\arctan({0})", "torch.atan({0})"),
    Operator("asinh", "\\operatorname{{arsinh}}({0})", "torch.asinh({0})"),
    Operator("erf", "\\operatorname{{erf}}({0})", "torch.erf({0})"),
    Operator("sigmoid", "\\sigma({0})", "torch.sigmoid({0})"),
    Operator("softplus", "\\log(1 + \\exp({0}))", "torch.nn.functional.softplus({0})"),
    Operator("relu", "\\max({0}, 0)", "torch.relu({0})"),
    Operator("elu", "\\operatorname{{ELU}}({0})", "torch.nn.functional.elu({0})"),
    Operator("gauss", "\\exp(-({0})^2)", "torch.exp(-torch.clamp({0}, -9.0, 9.0) ** 2)"),
    Operator("sinc", "\\operatorname{{sinc}}({0})", "torch.sinc(({0}) / torch.pi)"),
)
# fmt: on

# A power is an operator for each whole exponent.
POWERS = range(2, 9)
_POWERS = (Operator(f"**{n}", f"{{0}}^{{{{{n}}}}}", f"{{0}} ** {n}", 1, RAISE) for n in POWERS)

OPERATORS: dict[str, Operator] = {operator.name: operator for operator in (*_TABLE, *_POWERS)}
FUNCTIONS = tuple(name for name in OPERATORS if name.isalnum() and name != "neg")
