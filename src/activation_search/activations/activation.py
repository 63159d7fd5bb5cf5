"""An activation as configurations, results and tables carry it: a name with its parameters."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from activation_search.activations import catalogue
from activation_search.activations.entry import Entry, Value
from activation_search.activations.formula.parse import check_formula
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
        if entry.name == "formula":
            parameters = check_formula(parameters)
        if entry.name == "custom" and not parameters.get("target"):
            raise UserError(
                f"{entry.name} needs the import path of your function: "
                "activation.target=my_module.my_function."
            )
        # The formula first, its constants after it.
        ordered = sorted(parameters.items(), key=lambda item: (item[0] != "expr", item[0]))
        return cls(entry.name, tuple(ordered))

    @classmethod
    def from_text(cls, text: str) -> "Activation":
        """What ``str`` wrote, such as ``leaky_relu(negative_slope=0.2)`` in a result.

        Raises:
            UserError: as :meth:`parse`.
        """
        try:
            tree = ast.parse(text, mode="eval").body
        except SyntaxError as error:
            raise UserError(f"{text!r} is no activation.") from error
        if not isinstance(tree, ast.Call):
            return cls.parse(text)
        given = {str(keyword.arg): _value(keyword.value) for keyword in tree.keywords}
        if tree.args:
            given["expr"] = ast.unparse(tree.args[0])
        return cls.parse({"name": ast.unparse(tree.func), **given})

    @property
    def entry(self) -> Entry:
        return catalogue.find(self.name)

    def as_dict(self) -> dict[str, Value]:
        """Plain data that :meth:`parse` reads back."""
        return {"name": self.name, **dict(self.parameters)}

    def __str__(self) -> str:
        # A formula's text speaks for itself.
        inside = (str(v) if key == "expr" else f"{key}={v}" for key, v in self.parameters)
        return f"{self.name}({', '.join(inside)})" if self.parameters else self.name


def _value(node: ast.expr) -> Value:
    """A parameter as ``str`` wrote it."""
    try:
        found: Value = ast.literal_eval(node)
        return found
    except ValueError:
        return ast.unparse(node)
