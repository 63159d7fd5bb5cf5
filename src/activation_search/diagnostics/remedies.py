"""What to try against an alarm: overrides that can be pasted, the likeliest first."""

from collections.abc import Iterator, Mapping
from typing import Any

from activation_search.diagnostics.alarms import DRIFT, DYING, EXPLODING, SATURATION, VANISHING
from activation_search.models.config import MODEL_CONFIGS

# Functions whose forward and backward gains are equal or nearly so: scaled to keep the signal,
# they keep the gradient as well. tests/diagnostics/test_remedies.py holds them to the catalogue.
KEEPS_GRADIENT = ("relu", "leaky_relu", "prelu", "selu", "elu")


def remedies(kind: str, config: Mapping[str, Any]) -> list[str]:
    """Overrides against one kind of alarm, without those that the run has already.

    Args:
        kind: of the alarm.
        config: plain data of the run's configuration.
    """
    return list(dict.fromkeys(_remedies(kind, config)))


def _remedies(kind: str, config: Mapping[str, Any]) -> Iterator[str]:
    used = {config["activation"]["name"]}
    if kind == VANISHING:
        yield from _activations(KEEPS_GRADIENT, used)
        yield from _gain(config)
        yield from _norm(config)
        yield from _residual(config)
    elif kind == DYING:
        yield from _activations(("leaky_relu", "elu", "gelu"), used)
        yield from _smaller_steps(config)
        yield from _gain(config)
        yield from _norm(config)
    elif kind == EXPLODING:
        if config["optim"]["clip"] is None:
            yield "optim.clip=1.0"
        yield from _norm(config)
        yield from _gain(config)
        yield from _smaller_steps(config)
    elif kind == SATURATION:
        yield from _gain(config)
        yield from _norm(config)
        yield from _activations(("relu", "gelu"), used)
    elif kind == DRIFT:
        yield from _gain(config)
        yield from _norm(config)


def _activations(names: tuple[str, ...], used: set[str]) -> Iterator[str]:
    yield from (f"activation={name}" for name in names if name not in used)


def _gain(config: Mapping[str, Any]) -> Iterator[str]:
    if config["init"] != "gain":
        yield "init=gain"


def _norm(config: Mapping[str, Any]) -> Iterator[str]:
    model = config["model"]
    limits = MODEL_CONFIGS[model["name"]].__dataclass_fields__["norm"].metadata
    if model["norm"] == "none":
        yield f"model.norm={next(name for name in limits['choices'] if name != 'none')}"


def _residual(config: Mapping[str, Any]) -> Iterator[str]:
    if config["model"].get("residual") is False:
        yield "model.residual=true"


def _smaller_steps(config: Mapping[str, Any]) -> Iterator[str]:
    yield f"optim.lr={config['optim']['lr'] / 10:g}"
