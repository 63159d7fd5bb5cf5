"""What the catalogue knows of an activation, and the checks of what a user asks of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from activation_search.errors import UserError, unknown

Value = float | int | str


@dataclass(frozen=True)
class Parameter:
    """A setting of an activation.

    Args:
        default: used where the user gives nothing; its type is the parameter's type.
        low, high: inclusive limits of valid numbers.
        choices: the valid strings; empty for any.
        search: where a search looks for a good number, on a log scale if both ends are positive;
            none leaves the default.
    """

    default: Value
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    search: tuple[float, float] | None = None

    def check(self, label: str, value: object) -> Value:
        """``value`` in the type of the default.

        Raises:
            UserError: wrong type, out of range, or not among the choices.
        """
        if isinstance(self.default, str):
            if self.choices and value not in self.choices:
                raise unknown(label, value, self.choices)
            return str(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise UserError(f"{label} must be a number, not {value!r}.")
        try:
            number = float(value)
        except OverflowError:  # a whole number beyond all floats
            number = math.copysign(math.inf, value > 0 or -1)
        shown = f"{number:g}" if float(f"{number:g}") == number else repr(number)
        if isinstance(self.default, int) and not number.is_integer():  # as nan and infinity are not
            raise UserError(f"{label} must be a whole number, not {shown}.")
        if not math.isfinite(number):
            raise UserError(f"{label} must be a finite number, not {shown}.")
        if not self.low <= number <= self.high:
            raise UserError(f"{label} must lie in [{self.low:g}, {self.high:g}], not {shown}.")
        return type(self.default)(number)


SHARING = Parameter("channel", choices=("channel", "layer"))
LAYER_SHARING = Parameter("layer", choices=("channel", "layer"))


@dataclass(frozen=True)
class Entry:
    """One row of the catalogue.

    Args:
        name: how configurations call it.
        formula: for people; ``s`` sigmoid, ``sp`` softplus, ``Phi`` normal distribution.
        target: import path of the function or module class.
        reference: where it was published.
        range: infimum and supremum over the reals with default parameters.
        monotonic: never decreasing with default parameters.
        parameters: settings with defaults and limits.
        learns: learned tensor -> its start, a parameter's name or words.
        inputs, outputs: it maps each group of ``inputs`` channels to ``outputs`` channels.
        stochastic: draws noise while training.
        open_parameters: takes settings of any name (the user's own functions and formulas).
        aliases: other names of the same function.
        note: what a user should know before choosing it.
    """

    name: str
    formula: str
    target: str
    reference: str
    range: tuple[float, float]
    monotonic: bool = False
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    learns: Mapping[str, str] = field(default_factory=dict)
    inputs: int = 1
    outputs: int = 1
    stochastic: bool = False
    open_parameters: bool = False
    aliases: tuple[str, ...] = ()
    note: str = ""

    @property
    def bounded(self) -> bool:
        """Both ends of the range are finite: fit for the gates of an LSTM."""
        return all(math.isfinite(end) for end in self.range)

    @property
    def changes_width(self) -> bool:
        """The output has another number of channels than the input."""
        return self.inputs != self.outputs

    @property
    def family(self) -> str:
        """``fixed``, ``learnable``, ``stochastic``, ``gated`` (mixes channels) or ``custom``."""
        if self.open_parameters:
            return "custom"
        if (self.inputs, self.outputs) != (1, 1):
            return "gated"
        if self.stochastic:
            return "stochastic"
        return "learnable" if self.learns else "fixed"

    def input_width(self, width: int) -> int:
        """Number of channels that must go in for ``width`` channels to come out.

        Raises:
            UserError: ``width`` is no multiple of what the function puts out together.
        """
        if width % self.outputs:
            raise UserError(
                f"{self.name} puts out channels {self.outputs} at a time, so the width of its layer"
                f" must be a multiple of {self.outputs}, not {width}."
            )
        return width // self.outputs * self.inputs

    def check(self, parameters: Mapping[str, object]) -> dict[str, Value]:
        """The given parameters with their types, without those that equal the default.

        Raises:
            UserError: unknown parameter, wrong type, out of range, or a required one missing.
        """
        checked: dict[str, Value] = {}
        for key, value in parameters.items():
            if not isinstance(key, str):
                raise UserError(f"{self.name}'s parameters have names, not {key!r}.")
            if key in self.parameters:
                value = self.parameters[key].check(f"{self.name}'s {key}", value)
                if value == self.parameters[key].default:
                    continue
            elif not self.open_parameters:
                raise unknown(f"parameter of {self.name}", key, self.parameters)
            if not isinstance(value, float | int | str):
                raise UserError(f"{self.name}'s {key} must be a number or a word, not {value!r}.")
            checked[key] = value
        return checked
