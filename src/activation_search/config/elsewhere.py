"""Where a setting is, that was looked for in another place. Torch and Hydra are not imported."""

from collections.abc import Iterable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, get_type_hints

from activation_search.config.data import DATA_OPTIONS
from activation_search.config.models import MODEL_CONFIGS
from activation_search.config.run import TrainConfig

OPTIONS: dict[str, Mapping[str, Any]] = {"data": DATA_OPTIONS, "model": MODEL_CONFIGS}


def elsewhere(section: str, key: str) -> str:
    """Says where a setting of that name is; empty where there is none, or several.

    Args:
        section: in which there is no such setting, such as ``optim``; ``""`` for the top.
        key: its name.

    Example:
        >>> elsewhere("", "lr")
        'it is optim.lr'
        >>> elsewhere("data", "target")
        'it is a setting of data=csv'
    """
    if section in OPTIONS:
        names = [name for name, option in OPTIONS[section].items() if key in _names(option)]
        return f"it is a setting of {section}={' or '.join(names)}" if 0 < len(names) < 4 else ""
    hints = get_type_hints(TrainConfig)
    places = [part for part, kind in hints.items() if is_dataclass(kind) and key in _names(kind)]
    places += [
        group
        for group, options in OPTIONS.items()
        if group not in places and any(key in _names(option) for option in options.values())
    ]
    if key in hints and section:
        return f"it is {key} itself"
    return f"it is {places[0]}.{key}" if len(places) == 1 and places[0] != section else ""


def _names(config: Any) -> Iterable[str]:
    return {item.name for item in fields(config)} - {"name"}
