"""Typed settings that know their limits: the fields of the configuration's dataclasses."""

import math
from dataclasses import field, fields, is_dataclass
from typing import Any

from activation_search.errors import UserError, unknown

_NO_DEFAULT: Any = object()


def setting(
    default: Any = _NO_DEFAULT,
    *,
    choices: tuple[str, ...] = (),
    low: float = -math.inf,
    high: float = math.inf,
    above: float = -math.inf,
) -> Any:
    """A dataclass field that :func:`check` holds to its limits.

    Args:
        default: value where none is given; without one the YAML file must give it.
        choices: valid words; empty for any.
        low, high: inclusive limits of a number.
        above: exclusive lower limit of a number.
    """
    limits = {"choices": choices, "low": low, "high": high, "above": above}
    if default is _NO_DEFAULT:
        return field(metadata=limits)
    return field(default=default, metadata=limits)


def check(settings: Any, path: str = "") -> None:
    """Holds every setting of a dataclass, and of those inside it, to its limits.

    Raises:
        UserError: names the setting as the command line does, ``optim.lr``.
    """
    for item in fields(settings):
        value = getattr(settings, item.name)
        label = f"{path}{item.name}"
        if is_dataclass(value):
            check(value, f"{label}.")
        elif item.metadata and value is not None:
            _check_value(label, value, **item.metadata)


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
        bounds += [f"at most {high:g}"] if high < math.inf else []
        raise UserError(f"{label} must be {' and '.join(bounds)}, not {value:g}.")
