"""From a configuration back to the command line that makes it."""

import re
import shlex
from collections.abc import Sequence
from functools import cache
from typing import Any

from activation_search.activations import ActivationChoice
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig

# Mappings whose keys are the user's own.
_OWN_KEYS = {"model.args", "optim.args", "optim.schedule_args"}
# Written otherwise, or without an influence on the numbers.
_LEFT_OUT = {"activation", "test"}


def to_overrides(config: TrainConfig) -> list[str]:
    """The overrides of ``train.py`` that repeat a run: only what differs from the defaults.

    The numbers of the run are repeated, not where it is written or what is logged of it.
    """
    default = _defaults(config.model.name, config.data.name)
    wanted = _leaves(config.identity())
    changed = [
        f"{key}={as_override(value)}" for key, value in wanted.items() if default[key] != value
    ]
    groups = [f"model={config.model.name}", f"data={config.data.name}"]
    return [*groups, *_activation(config.activation), *changed]


def command_of(config: TrainConfig, seeds: Sequence[int]) -> str:
    """The command that repeats a run; of several seeds, as a multirun over them."""
    overrides = to_overrides(config)
    if config.trainer.accelerator != "auto":
        overrides.append(f"trainer.accelerator={config.trainer.accelerator}")
    if len(seeds) > 1:
        overrides = ["-m", *(o for o in overrides if not o.startswith("seed="))]
        overrides.append("seed=" + ",".join(map(str, seeds)))
    return shlex.join(["python", "train.py", *overrides])


def what_differs(configs: Sequence[TrainConfig]) -> list[dict[str, str]]:
    """Of each configuration the settings in which they are not all alike, but for the seed.

    Returns:
        Keys and values as on the command line; a value is empty where there is no such setting.

    Example:
        what_differs([compose(["activation=relu"]), compose(["activation=gelu", "optim.lr=0.1"])])
        # [{"activation": "relu", "optim.lr": "0.005"}, {"activation": "gelu", "optim.lr": "0.1"}]
    """
    given = [dict(o.split("=", 1) for o in to_overrides(config)) for config in configs]
    keys = [key for key in dict.fromkeys(key for one in given for key in one) if key != "seed"]
    whole = [
        {key: one.get(key, _default(key, config)) for key in keys}
        for one, config in zip(given, configs, strict=True)
    ]
    differing = [key for key in keys if len({values[key] for values in whole}) > 1]
    return [{key: values[key] for key in differing} for values in whole]


def _default(key: str, config: TrainConfig) -> str:
    if key == "activation":
        return MODEL_DEFAULT
    defaults = _defaults(config.model.name, config.data.name)
    return as_override(defaults[key]) if key in defaults else ""


@cache
def _defaults(model: str, data: str) -> dict[str, Any]:
    config: TrainConfig = compose([f"model={model}", f"data={data}"])
    return _leaves(config.identity())


def _activation(activation: ActivationChoice) -> list[str]:
    overrides = [f"activation={activation.name}"] if activation.whole else []
    for key, value in activation.parameters:
        overrides.append(f"activation.{key}={as_override(value)}")
    layers = activation.as_dict()["layers"]
    if all(_NAME.fullmatch(site) for site in layers):
        return overrides + [
            f"activation.layers.{s}={as_override(value)}" for s, value in layers.items()
        ]
    return [
        *overrides,
        f"activation.layers={as_override(layers)}",
    ]  # a pattern is no key of an override


def _leaves(plain: dict[str, Any], path: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in plain.items():
        if not path and key in _LEFT_OUT:
            continue
        if isinstance(value, dict) and f"{path}{key}" not in _OWN_KEYS:
            found |= _leaves(value, f"{path}{key}.")
        else:
            found[f"{path}{key}"] = value
    return found


def as_override(value: Any) -> str:
    """A value as Hydra reads it back, quoted where its signs would mean something else."""
    if isinstance(value, dict):
        pairs = (f"{_SIGNS.sub(_ESCAPED, key)}: {as_override(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(as_override, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, str):
        return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else _quoted(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_NAME = re.compile(r"\w+")
# Signs that a key of a mapping has only behind a backslash.
_SIGNS, _ESCAPED = re.compile(r"([\\()\[\]{}:=, ])"), r"\\\1"
# What Hydra reads as text without quotes, and words that it reads as something else.
_PLAIN = re.compile(r"[A-Za-z/._][A-Za-z0-9/._-]*")
_WORDS = ("null", "true", "false", "nan", "inf")


def _quoted(value: str) -> str:
    # A backslash is one only before a quote.
    escaped = re.sub(r"(\\*)'", r"\1\1\\'", value)
    trailing = len(escaped) - len(escaped.rstrip("\\"))
    return f"'{escaped}" + "\\" * trailing + "'"
