"""From a configuration back to the command line that makes it."""

import re
from functools import cache
from typing import Any

from activation_search.compose import compose
from activation_search.training.config import TrainConfig

# Written otherwise, or without an influence on the numbers.
_LEFT_OUT = {"activation", "test"}


def to_overrides(config: TrainConfig) -> list[str]:
    """The overrides of ``train.py`` that repeat a run: only what differs from the defaults.

    The numbers of the run are repeated, not where it is written or what is logged of it.
    """
    default = _defaults(config.model.name, config.data.name)
    wanted = _leaves(config.identity())
    changed = [f"{key}={_text(value)}" for key, value in wanted.items() if default[key] != value]
    groups = [f"model={config.model.name}", f"data={config.data.name}"]
    return [*groups, *_activation(config.activation), *changed]


@cache
def _defaults(model: str, data: str) -> dict[str, Any]:
    config: TrainConfig = compose([f"model={model}", f"data={data}"])
    return _leaves(config.identity())


def _activation(activation: dict[str, Any]) -> list[str]:
    overrides = [f"activation={activation['name']}"] if activation["name"] != "default" else []
    for key, value in activation.items():
        if key not in ("name", "layers"):
            overrides.append(f"activation.{key}={_text(value)}")
    for site, value in activation.get("layers", {}).items():
        overrides.append(f"activation.layers.{site}={_text(value)}")
    return overrides


def _leaves(plain: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in plain.items():
        if not path and key in _LEFT_OUT:
            continue
        if isinstance(value, dict):
            found |= _leaves(value, f"{path}{key}.")
        else:
            found[f"{path}{key}"] = value
    return found


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if value is None:
        return "null"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else _quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


# What Hydra reads as text without quotes, and words that it reads as something else.
_PLAIN = re.compile(r"[A-Za-z/._][A-Za-z0-9/._-]*")
_WORDS = ("null", "true", "false", "nan", "inf")


def _quoted(value: str) -> str:
    # A backslash is one only before a quote.
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}" + "\\" * trailing + "'"
