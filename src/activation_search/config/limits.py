"""Typed settings that know their limits: the fields of the configuration's dataclasses."""

import math
from collections.abc import Callable
from dataclasses import MISSING, Field, field, fields, is_dataclass
from functools import cache
from types import UnionType
from typing import Any, get_args, get_type_hints

from activation_search.errors import UserError, unknown


def setting(
    default: Any = MISSING,
    *,
    factory: Callable[[], Any] | None = None,
    help: str = "",
    choices: tuple[str, ...] = (),
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
) -> Any:
    """A dataclass field that :func:`check` holds to its limits.

    Args:
        default: value where none is given; without one the user must give it.
        factory: makes the default, where it is a list or a mapping.
        help: what it means, printed by ``--help``.
        choices: valid words; empty for any.
        low, high: inclusive limits of a number.
        above: exclusive lower limit of a number.
    """
    limits = {"choices": choices, "low": low, "high": high, "above": above}
    metadata = {"limits": limits, "help": help}
    if factory is not None:
        return field(default_factory=factory, metadata=metadata)
    return field(default=default, metadata=metadata)


def limits_of(item: Field) -> dict[str, Any]:
    """The limits of a field, as keyword arguments of :func:`setting`."""
    return dict(item.metadata.get("limits", {}))


def check(settings: Any, path: str = "") -> None:
    """Holds every setting of a dataclass, and of those inside it, to its type and its limits.

    Raises:
        UserError: names the setting as the command line does, ``optim.lr``.
    """
    kind: Any = type(settings)
    kinds = _kinds(kind)
    for item in fields(settings):
        value = getattr(settings, item.name)
        label = f"{path}{item.name}"
        if is_dataclass(value):
            check(value, f"{label}.")
            continue
        _check_kind(label, value, kinds[item.name])
        if item.metadata and value is not None:
            _check_value(label, value, **item.metadata["limits"])
        if isinstance(value, float) and not math.isfinite(value):
            raise UserError(f"{label} must be a finite number, not {value}.")


_WORDS = {int: "a whole number", float: "a number", bool: "true or false", str: "text"}


@cache
def _kinds(settings: Any) -> dict[str, tuple[type, ...]]:
    """Name of a setting -> the types that its values may have; empty for any."""
    found = {}
    for name, hint in get_type_hints(settings).items():
        kinds = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        found[name] = kinds if all(k in _WORDS or k is type(None) for k in kinds) else ()
    return found


def _check_kind(label: str, value: Any, kinds: tuple[type, ...]) -> None:
    whole_for_real = float in kinds and type(value) is int
    if kinds and type(value) not in kinds and not whole_for_real:
        allowed = [_WORDS[kind] for kind in kinds if kind in _WORDS]
        allowed += ["null"] if type(None) in kinds else []
        raise UserError(f"{label} must be {' or '.join(allowed)}, not {_shown(value)}.")
    if isinstance(value, str) and (not value.strip() or "\0" in value):
        raise UserError(f"{label} must be text that is not empty, not {value!r}.")


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _check_value(
    label: str, value: Any, choices: tuple[str, ...], low: float, high: float, above: float
) -> None:
    if choices:
        if value not in choices:
            raise unknown(label, value, choices)
        return
    # A comparison with NaN is false, which refuses it.
    if isinstance(value, int | float) and not (low <= value <= high and value > above):
        bounds = [f"above {above:g}"] if above > -math.inf else []
        bounds += [f"at least {low:g}"] if low > -math.inf else []
        bounds += [f"at most {_plain(high)}"] if high < math.inf else []
        raise UserError(f"{label} must be {' and '.join(bounds)}, not {_plain(value)}.")


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
