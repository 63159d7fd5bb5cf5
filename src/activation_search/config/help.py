"""What ``--help`` prints: every setting with its explanation. Torch and Hydra are not imported."""

import shutil
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

from activation_search.activations.catalogue import ENTRIES, lookup
from activation_search.config.data import DATA_OPTIONS
from activation_search.config.limits import limits_of
from activation_search.config.models import MODEL_CONFIGS

WIDTHS = 60, 100  # at least and at most, whatever the window has
NAME_WIDTH = 34


def help_text(
    summary: str, examples: Sequence[str], config: Any, conf: Path, overrides: Sequence[str] = ()
) -> str:
    """The whole help of a command.

    Args:
        summary: what it does, in a sentence.
        examples: command lines.
        config: the dataclass of its settings.
        conf: the folder of the YAML files.
        overrides: of the command line; ``model=``, ``data=`` and ``activation=`` choose whose
            settings are shown.
    """
    chosen = dict(o.split("=", 1) for o in overrides if "=" in o)
    kind: Any = MODEL_CONFIGS.get(chosen.get("model", "cnn"), MODEL_CONFIGS["cnn"])
    model = kind()
    data = DATA_OPTIONS.get(chosen.get("data", "mnist1d"), DATA_OPTIONS["mnist1d"])
    lines = [summary, "", "Examples:", *(f"  {example}" for example in examples), ""]
    lines += ["Choose one of each:"]
    lines += _listed("model", MODEL_CONFIGS) + _listed("data", DATA_OPTIONS)
    lines += _listed("activation", ["default", *ENTRIES])
    lines += _listed("experiment", sorted(path.stem for path in (conf / "experiment").glob("*")))
    if "search" in get_type_hints(config):
        lines += _listed("search", sorted(path.stem for path in (conf / "search").glob("*")))
    lines += ["", "Settings, written as name=value:"]
    lines += [f"  model={model.name}, see also --help model=lstm", *_settings(model, "model.")]
    lines += [f"  data={data.option}, see also --help data=csv", *_settings(data, "data.")]
    lines += ["  activation", *_entry("activation.layers.<site>", "default", [], _LAYERS)]
    entry = lookup(chosen.get("activation"))
    if entry and not entry.open_parameters:
        if not entry.parameters:
            lines.append(f"    {entry.name} has no settings")
        for name, item in entry.parameters.items():
            text = "searched from {:g} to {:g}".format(*item.search) if item.search else ""
            lines += _entry(f"activation.{name}", _plain(item.default), item.choices, text)
    else:
        text = "of the function, see also --help activation=elu"
        lines += _entry("activation.<parameter>", "", [], text)
    lines += list(_groups(config))
    lines += [
        "",
        "-m runs every combination of comma-separated values;",
        "--cfg job prints all values.",
    ]
    return "\n".join(lines)


_LAYERS = "an activation of its own for a site, or for all that a pattern such as conv* matches"


def _width() -> int:
    """Of the window; a pipe has as much as is read with ease."""
    least, most = WIDTHS
    return max(least, min(most, shutil.get_terminal_size((most, 24)).columns))


def _listed(name: str, options: Any) -> list[str]:
    return textwrap.wrap(
        ", ".join(options), _width(), initial_indent=f"  {name}=", subsequent_indent="    "
    )


def _groups(config: Any) -> Iterator[str]:
    """Settings of the configuration itself, and of its parts but the three that are chosen."""
    hints = get_type_hints(config)
    shown = [item for item in fields(config) if item.name not in ("model", "data", "activation")]
    parts = [item for item in shown if is_dataclass(hints[item.name])]
    own = [item for item in shown if item not in parts]
    for item in parts:
        yield f"  {item.name}: {(hints[item.name].__doc__ or '').splitlines()[0]}"
        for inner in fields(hints[item.name]):
            yield from _field(inner, f"{item.name}.")
    yield f"  of the command itself: {(config.__doc__ or '').splitlines()[0]}"
    for item in own:
        yield from _field(item, "")


def _settings(config: Any, prefix: str) -> Iterator[str]:
    for item in fields(config):
        yield from _field(item, prefix, getattr(config, item.name))


def _field(item: Field, prefix: str, value: Any = MISSING) -> list[str]:
    if item.name == "name" and prefix:
        return []  # chosen as the group's option
    if value is MISSING:
        make = item.default_factory
        value = item.default if make is MISSING else make()  # type: ignore[operator]
    shown = "" if value is MISSING else _plain(value)
    choices = limits_of(item).get("choices", ())
    return _entry(prefix + item.name, shown, choices, item.metadata.get("help", ""))


def _entry(name: str, default: str, choices: Sequence[str], text: str) -> list[str]:
    head = f"    {name}" + (f" = {default}" if default else "")
    words = f"{text} ({', '.join(choices)})" if choices else text
    body = textwrap.wrap(words, _width() - NAME_WIDTH)
    if len(head) >= NAME_WIDTH:
        return [head, *(" " * NAME_WIDTH + line for line in body)]
    indented = [" " * NAME_WIDTH + line for line in body] or [""]
    return [head.ljust(NAME_WIDTH) + indented[0].strip(), *indented[1:]]


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")
