"""Parts of a run that the user names by import path, with arguments. Nothing is imported here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from activation_search.errors import UserError


@dataclass(frozen=True)
class OwnPart:
    """A callback or logger of the user's.

    Attributes:
        target: its import path.
        args: its keyword arguments.
    """

    target: str
    args: Mapping[str, Any]


def parse_parts(setting: str, given: object) -> list[OwnPart]:
    """The parts that a setting lists.

    Args:
        setting: its name, for the error.
        given: a list of import paths, or of mappings ``{target: <path>, <argument>: …}``.

    Raises:
        UserError: anything else.

    Example:
        parse_parts("trainer.callbacks", ["a.B", {"target": "c.EMA", "decay": 0.9}])
    """
    if not isinstance(given, list):
        raise UserError(f"{setting} must be a list, such as [my_module.Part], not {given!r}.")
    return [_parse(setting, item) for item in given]


def _parse(setting: str, item: object) -> OwnPart:
    plain = {"target": item} if isinstance(item, str) else item
    target = plain.get("target") if isinstance(plain, Mapping) else None
    if not isinstance(plain, Mapping) or not isinstance(target, str) or not target.strip():
        raise UserError(
            f"{setting} lists import paths such as my_module.Part, or with arguments "
            f"{{target: my_module.Part, size: 3}}, not {item!r}."
        )
    return OwnPart(target, {str(key): v for key, v in plain.items() if key != "target"})
