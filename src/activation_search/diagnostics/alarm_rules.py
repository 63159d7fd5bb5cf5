"""The rules by which readings become alarms."""

import math
import statistics
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from activation_search.diagnostics.alarms import (
    DRIFT,
    DYING,
    EXPLODING,
    SATURATION,
    VANISHING,
    Alarm,
    from_dicts,
)
from activation_search.diagnostics.gradients import GradientReading
from activation_search.diagnostics.remedies import remedies
from activation_search.diagnostics.site_health import SiteHealth

# Of the first layer's gradient norm over the last one's; and how small it must be by itself.
VANISHING_RATIO, VANISHING_NORM = 1e-3, 1e-4
# Of a layer's mean |g|, while the last layer's is a hundred times as large; where all layers have
# small gradients the model has learned its data.
VANISHING_MEAN, LEARNED_MARGIN = 1e-7, 100.0
READINGS_IN_A_ROW = 3
EXPLODING_RATIO = 70.0  # of the first layer's norm over the last one's
EXPLODING_JUMP = 100.0  # of the total norm over its running median
MEDIAN_OF = 100  # the latest readings
EXPLODING_NORM = 10.0  # and how large it must be by itself: near the optimum norms jump too
SICK_SHARE = 0.5  # of a site's units
DRIFT_RANGE = (0.1, 10.0)  # of the last site's output over the first one's


class AlarmRules:
    """Judges readings one after the other; raises each kind of alarm once per place.

    found: alarms so far.

    Args:
        config: plain data of the run's configuration. assignment: site -> function. Both for the
            remedies.
    """

    def __init__(self, config: Mapping[str, Any], assignment: Mapping[str, str]):
        self.config = config
        self.assignment = assignment
        self.found: list[Alarm] = []
        self._totals: deque[float] = deque(maxlen=MEDIAN_OF)
        self._in_a_row: dict[str, int] = {}

    def state_dict(self) -> dict[str, Any]:
        found = [alarm.as_dict() | {"remedies": list(alarm.remedies)} for alarm in self.found]
        return {"found": found, "totals": list(self._totals), "in_a_row": self._in_a_row}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.found = from_dicts(state["found"])
        self._totals.extend(state["totals"])
        self._in_a_row = dict(state["in_a_row"])

    def check_gradients(self, step: int, reading: GradientReading) -> list[Alarm]:
        """Judges gradients; returns the alarms that are new."""
        if not reading.layers:  # of a user's model whose layers are all frozen
            return []
        new = self._keep([*self._vanishing(step, reading), *self._exploding(step, reading)])
        if math.isfinite(reading.total) and reading.total > 0:
            self._totals.append(reading.total)
        return new

    def check_sites(
        self, step: int, sites: Mapping[str, SiteHealth], signal_path: Sequence[str] = ()
    ) -> list[Alarm]:
        """Judges sites; returns the alarms that are new.

        Args:
            step: of the reading.
            sites: in the order in which a sample passes them.
            signal_path: sites whose outputs should keep one scale; given at initialisation, the
                one time when drift is judged.
        """
        found = []
        for site, health in sites.items():
            if not math.isfinite(health.z_std):
                message = "its pre-activations are no longer finite"
                found.append(Alarm(EXPLODING, site, step, health.z_std, None, message))
                continue  # units that read NaN are not dead
            # Saturation first: its units may be dead as well, but other remedies help.
            for kind, share, what in (
                (SATURATION, health.saturated, "are in the flat ends of their function"),
                (DYING, health.dead, "pass no gradient for any sample"),
            ):
                if share > SICK_SHARE:
                    message = f"{share:.0%} of its units {what} (alarm above {SICK_SHARE:.0%})"
                    found.append(Alarm(kind, site, step, share, SICK_SHARE, message))
                    break
        # A site of a user's model may act in training alone, and is not read then.
        path = [(site, sites[site]) for site in signal_path if site in sites]
        if len(path) > 1:
            found += self._drift(step, path)
        return self._keep(found)

    def check_loss(self, step: int, loss: float) -> list[Alarm]:
        """Judges a loss; returns the alarm if it is not finite."""
        if math.isfinite(loss):
            return []
        message = f"the loss is {loss}"
        return self._keep([Alarm(EXPLODING, "total", step, loss, None, message)])

    def _keep(self, alarms: Iterable[Alarm]) -> list[Alarm]:
        new = []
        for alarm in alarms:
            if (alarm.kind, alarm.where) not in {(a.kind, a.where) for a in self.found}:
                tries = remedies(alarm.kind, alarm.where, self.config, self.assignment)
                new.append(replace(alarm, remedies=tuple(tries)))
                self.found.append(new[-1])
        return new

    def _lasts(self, kind: str, where: str, now: bool) -> bool:
        """Whether a condition has held on so many readings in a row."""
        count = self._in_a_row.get(f"{kind} {where}", 0) + 1 if now else 0
        self._in_a_row[f"{kind} {where}"] = count
        return count >= READINGS_IN_A_ROW

    def _vanishing(self, step: int, reading: GradientReading) -> Iterator[Alarm]:
        first, last = reading.first, reading.last
        head = reading.layers[last]
        for layer, gradient in reading.layers.items():
            ratio = gradient.norm / head.norm if head.norm > 0 else math.inf
            by_ratio = layer == first and ratio < VANISHING_RATIO and gradient.norm < VANISHING_NORM
            by_mean = gradient.mean_abs < VANISHING_MEAN and (
                head.mean_abs > LEARNED_MARGIN * VANISHING_MEAN
            )
            if not self._lasts(VANISHING, layer, by_ratio or by_mean):
                continue
            if by_ratio:
                message = (
                    f"its gradient norm is {ratio:.1e} of that of {last} "
                    f"(alarm below {VANISHING_RATIO:g}, {READINGS_IN_A_ROW} readings in a row)"
                )
                yield Alarm(VANISHING, layer, step, ratio, VANISHING_RATIO, message)
            else:
                message = (
                    f"its mean absolute gradient is {gradient.mean_abs:.1e} "
                    f"(alarm below {VANISHING_MEAN:g})"
                )
                yield Alarm(VANISHING, layer, step, gradient.mean_abs, VANISHING_MEAN, message)

    def _exploding(self, step: int, reading: GradientReading) -> Iterator[Alarm]:
        total = reading.total
        # A scaler of 16-bit gradients overflows by design now and then, and skips that step.
        scaled = self.config["trainer"]["precision"] == "16-mixed"
        lasts = self._lasts(EXPLODING, "total", not math.isfinite(total))
        if not math.isfinite(total):
            if lasts or not scaled:
                message = f"the gradient norm is {total}"
                yield Alarm(EXPLODING, "total", step, total, None, message)
            return
        if len(self._totals) >= READINGS_IN_A_ROW:
            usual = statistics.median(self._totals)
            if total > EXPLODING_JUMP * usual and total > EXPLODING_NORM:
                message = (
                    f"the gradient norm is {total:.3g}, {total / usual:.0f} times its median "
                    f"(alarm above {EXPLODING_JUMP:.0f})"
                )
                yield Alarm(EXPLODING, "total", step, total / usual, EXPLODING_JUMP, message)
        first, last = reading.first, reading.last
        head = reading.layers[last].norm
        ratio = reading.layers[first].norm / head if head > 0 else 0.0
        grows = bool(self._totals) and total > self._totals[-1]
        if self._lasts(EXPLODING, first, ratio > EXPLODING_RATIO and grows):
            message = (
                f"its gradient norm is {ratio:.0f} times that of {last} and grows "
                f"(alarm above {EXPLODING_RATIO:.0f})"
            )
            yield Alarm(EXPLODING, first, step, ratio, EXPLODING_RATIO, message)

    def _drift(self, step: int, path: Sequence[tuple[str, SiteHealth]]) -> Iterator[Alarm]:
        (first, start), (last, end) = path[0], path[-1]
        low, high = DRIFT_RANGE
        ratio = end.h_std / start.h_std if start.h_std > 0 else math.inf
        # Where a scale is no number, the signal has exploded, which is told by itself.
        if math.isfinite(ratio) and not low <= ratio <= high:
            threshold = low if ratio < low else high
            message = (
                f"at initialisation its output varies {ratio:.2g} times as much as that of {first} "
                f"(alarm outside {low:g} to {high:g})"
            )
            yield Alarm(DRIFT, last, step, ratio, threshold, message)
