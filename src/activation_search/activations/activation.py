"""An activation as configurations, results and tables carry it: a name with its parameters."""

from ast import literal_eval
from collections.abc import Mapping
from dataclasses import dataclass

from activation_search.activations import catalogue
from activation_search.activations.entry import Entry, Value
from activation_search.errors import UserError


@dataclass(frozen=True)
class Activation:
    """A function from the catalogue with the parameters that differ from its defaults.

    Two that mean the same function compare equal, whatever alias or default was spelled out.
    """

    name: str
    parameters: tuple[tuple[str, Value], ...] = ()

    @classmethod
    def parse(cls, given: object) -> "Activation":
        """From a name, or a mapping ``{name: leaky_relu, negative_slope: 0.2}``.

        Raises:
            UserError: unknown name or parameter, or a value out of its range.
        """
        if isinstance(given, Activation):
            return given
        if isinstance(given, Mapping):
            if "name" not in given:
                raise UserError(
                    f"An activation needs a name: {{name: leaky_relu, ...}}, not {dict(given)!r}."
                )
            entry = catalogue.find(given["name"])
            parameters = entry.check({k: v for k, v in given.items() if k != "name"})
        else:
            entry, parameters = catalogue.find(given), {}
        if entry.open_parameters and not parameters.get("target"):
            raise UserError(
                f"{entry.name} needs the import path of your function: "
                "activation.target=my_module.my_function."
            )
        return cls(entry.name, tuple(sorted(parameters.items())))

    @classmethod
    def from_text(cls, text: str) -> "Activation":
        """What ``str`` wrote, such as ``leaky_relu(negative_slope=0.2)`` in a result.

        Raises:
            UserError: as :meth:`parse`.
        """
        name, _, inside = text.removesuffix(")").partition("(")
        pairs = (pair.partition("=") for pair in inside.split(", ") if pair)
        return cls.parse({"name": name, **{key: _value(text) for key, _, text in pairs}})

    @property
    def entry(self) -> Entry:
        return catalogue.find(self.name)

    def as_dict(self) -> dict[str, Value]:
        """Plain data that :meth:`parse` reads back."""
        return {"name": self.name, **dict(self.parameters)}

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value}" for key, value in self.parameters)
        return f"{self.name}({inside})" if inside else self.name


def _value(text: str) -> Value:
    """A parameter as ``str`` wrote it."""
    try:
        found: Value = literal_eval(text)
        return found
    except (ValueError, SyntaxError):
        return text
