"""What to try against an alarm: overrides that can be pasted, the likeliest first."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from activation_search.config.limits import limits_of
from activation_search.config.models import MODEL_CONFIGS
from activation_search.diagnostics.alarms import DRIFT, DYING, EXPLODING, SATURATION, VANISHING
from activation_search.models.factory import network_class

# Functions whose forward and backward gains are equal or nearly so: scaled to keep the signal,
# they keep the gradient as well. tests/diagnostics/test_monitor.py holds them to the catalogue.
KEEPS_GRADIENT = ("relu", "leaky_relu", "prelu", "selu", "elu")


def remedies(
    kind: str, where: str, config: Mapping[str, Any], assignment: Mapping[str, str]
) -> list[str]:
    """Overrides against an alarm, without those that the run has already.

    Args:
        kind, where: of the alarm.
        config: plain data of the run's configuration.
        assignment: site -> function.
    """
    return list(dict.fromkeys(_remedies(kind, where, config, assignment)))


def _remedies(
    kind: str, where: str, config: Mapping[str, Any], assignment: Mapping[str, str]
) -> Iterator[str]:
    def functions(*names: str) -> Iterator[str]:
        return _functions(names, where, config, assignment)

    if kind == VANISHING:
        yield from functions(*KEEPS_GRADIENT)
        yield from _gain(config)
        yield from _norm(config)
        yield from _residual(config)
    elif kind == DYING:
        yield from _smaller_steps(config)
        yield from _norm(config)
        # Others, such as elu and gelu, level off far below zero, and their units die there too.
        yield from functions("leaky_relu", "prelu")
        yield from _gain(config)
    elif kind == EXPLODING:
        if config["optim"]["clip"] is None:
            yield "optim.clip=1.0"
        if network_class(config["model"]["name"]).feeds_back:
            yield from functions("tanh")
        yield from _norm(config)
        yield from _gain(config)
        yield from _smaller_steps(config)
    elif kind in (SATURATION, DRIFT):
        yield from _gain(config)
        yield from _norm(config)
        yield from functions("relu", "gelu")


def _functions(
    names: Sequence[str], where: str, config: Mapping[str, Any], assignment: Mapping[str, str]
) -> Iterator[str]:
    """Other functions: for the whole model, or for the sick site where it was set by itself."""
    layers = config["activation"].get("layers", {})
    alone = where in assignment and (bool(layers) or where.endswith("_gate"))
    used = {assignment[where]} if alone else set(assignment.values())
    key = f"activation.layers.{where}" if alone else "activation"
    yield from (f"{key}={name}" for name in names if name not in used)


def _gain(config: Mapping[str, Any]) -> Iterator[str]:
    if config["init"] != "gain":
        yield "init=gain"


def _norm(config: Mapping[str, Any]) -> Iterator[str]:
    model = config["model"]
    if model.get("norm") == "none":  # a model need not have the setting
        choices = limits_of(MODEL_CONFIGS[model["name"]].__dataclass_fields__["norm"])["choices"]
        yield f"model.norm={next(name for name in choices if name != 'none')}"


def _residual(config: Mapping[str, Any]) -> Iterator[str]:
    if config["model"].get("residual") is False:
        yield "model.residual=true"


def _smaller_steps(config: Mapping[str, Any]) -> Iterator[str]:
    yield f"optim.lr={config['optim']['lr'] / 10:g}"
