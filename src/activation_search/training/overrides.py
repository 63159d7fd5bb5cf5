"""From a configuration back to the command line that makes it."""

from typing import Any

from activation_search.compose import compose
from activation_search.training.config import TrainConfig

# What makes no difference to a run's numbers, or is given by the group options.
_LEFT_OUT = {"activation", "tensorboard", "resume", "logs", "group", "test"}


def to_overrides(config: TrainConfig) -> list[str]:
    """The overrides of ``train.py`` that repeat a run: only what differs from the defaults.

    The numbers of the run are repeated, not where it is written or what is logged of it.
    """
    groups = [f"model={config.model.name}", f"data={config.data.name}"]
    groups += _activation(config.activation)
    default = _leaves(compose(groups).identity())
    wanted = _leaves(config.identity())
    changed = [f"{key}={_text(value)}" for key, value in wanted.items() if default[key] != value]
    return [*groups, *changed]


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
    return {key: value for key, value in found.items() if key != "trainer.checkpoints"}


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_text(item)}" for key, item in value.items()) + "}"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)
