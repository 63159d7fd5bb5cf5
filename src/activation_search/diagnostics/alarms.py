"""Alarms: illnesses with their place, step, value, threshold, and the overrides that cure them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

VANISHING, EXPLODING = "vanishing_gradient", "exploding_gradient"
DYING, SATURATION, DRIFT = "dying_units", "saturation", "scale_drift"
KINDS = (VANISHING, DYING, EXPLODING, SATURATION, DRIFT)


@dataclass(frozen=True)
class Alarm:
    """kind: one of ``KINDS``. where: a layer, a site, or ``total``. value and threshold: of what
    the message names; the threshold is ``None`` where a number had to be finite.
    remedies: overrides to try, the likeliest first."""

    kind: str
    where: str
    step: int
    value: float
    threshold: float | None
    message: str
    remedies: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.kind} at {self.where}, step {self.step}: {self.message}"


def from_dicts(plain: Iterable[Mapping[str, Any]]) -> list[Alarm]:
    """Alarms from a result or a checkpoint."""
    return [Alarm(**{**alarm, "remedies": tuple(alarm["remedies"])}) for alarm in plain]


def to_text(alarms: Iterable[Alarm]) -> str:
    """The alarms as a Markdown table."""
    rows = [
        f"| {a.kind} | {a.where} | {a.step} | {a.message} | {'  '.join(a.remedies)} |"
        for a in alarms
    ]
    return "\n".join(["| alarm | where | step | what | try |", "|---|---|---|---|---|", *rows])
