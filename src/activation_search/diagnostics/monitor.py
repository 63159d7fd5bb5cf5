"""Watches a run for illnesses: readings into TensorBoard, alarms into the result and the console.

Nothing here touches the run: readings are taken in evaluation mode on one fixed batch, from
gradients that are there anyway, and draw no random number.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from activation_search.diagnostics.alarm_rules import AlarmRules
from activation_search.diagnostics.alarms import Alarm, to_text
from activation_search.diagnostics.gradients import copy_weights, read_gradients, update_ratios
from activation_search.diagnostics.probe import probe_batch
from activation_search.diagnostics.site_health import SiteHealth, read_sites
from activation_search.diagnostics.tensorboard import write_scalars


class HealthMonitor(pl.Callback):
    """Reads gradients often, sites and weight updates now and then, and judges them.

    To TensorBoard: ``grad_norm/total`` and ``grad_norm/<layer>`` before clipping,
    ``update_ratio/<layer>``, ``dead|dormant|saturated|signal_std/<site>``, and for each alarm
    ``alarm/<kind>`` (how many so far) and a text.

    sites: the last reading. alarms: all that were raised.

    Args:
        watch: judges the readings.
        writer: for TensorBoard; ``None`` writes nothing.
        gradients_every_n_steps: interval of gradient readings, which cost microseconds.
        sites_every_n_steps: interval of readings of sites and updates, which cost a few steps.
        tell: called with the first alarm of each kind.
    """

    def __init__(
        self,
        watch: AlarmRules,
        writer: SummaryWriter | None,
        gradients_every_n_steps: int,
        sites_every_n_steps: int,
        tell: Callable[[Alarm], None] | None = None,
    ):
        self.writer = writer
        self.gradients_every_n_steps = gradients_every_n_steps
        self.sites_every_n_steps = sites_every_n_steps
        self.tell = tell
        self.watch = watch
        self.sites: dict[str, SiteHealth] = {}
        self._weights: dict[str, list[Tensor]] = {}

    @property
    def alarms(self) -> list[Alarm]:
        return self.watch.found

    def state_dict(self) -> dict[str, Any]:
        return self.watch.state_dict()

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.watch.load_state_dict(state_dict)

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        # Lightning calls this after unscaling and before clipping.
        step, network = trainer.global_step, pl_module.network
        if step % self.gradients_every_n_steps == 0:
            reading = read_gradients(network)
            self._write("grad_norm", reading.norms, step)
            self._report(self.watch.check_gradients(step, reading))
        if step % self.sites_every_n_steps == 0:
            self._read_sites(trainer, pl_module)
            self._weights = copy_weights(network)

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self._weights:  # this batch was a step that is read
            ratios = update_ratios(pl_module.network, self._weights)
            self._write("update_ratio", ratios, trainer.global_step)
            self._weights = {}

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._read_sites(trainer, pl_module)
        losses = [getattr(pl_module, "last_loss", None), trainer.callback_metrics.get("val_loss")]
        for loss in losses:
            if loss is not None:
                self._report(self.watch.check_loss(trainer.global_step, loss.item()))

    def _read_sites(self, trainer: pl.Trainer, pl_module: Any) -> None:
        step = trainer.global_step
        self.sites = read_sites(pl_module.network, probe_batch(trainer, pl_module))
        for name, values in {
            "dead": {site: health.dead for site, health in self.sites.items()},
            "dormant": {site: health.dormant for site, health in self.sites.items()},
            "saturated": {site: health.saturated for site, health in self.sites.items()},
            "signal_std": {site: health.h_std for site, health in self.sites.items()},
        }.items():
            self._write(name, values, step)
        path = pl_module.network.signal_path if step == 0 else ()
        self._report(self.watch.check_sites(step, self.sites, path))

    def _write(self, group: str, values: dict[str, float], step: int) -> None:
        if self.writer:
            tagged = {f"{group}/{name}": value for name, value in values.items()}
            write_scalars(self.writer, tagged, step)

    def _report(self, new: list[Alarm]) -> None:
        kinds = Counter(alarm.kind for alarm in self.alarms)
        if new and self.writer:
            counts = {f"alarm/{alarm.kind}": kinds[alarm.kind] for alarm in new}
            write_scalars(self.writer, counts, new[0].step)
            self.writer.add_text("alarms", to_text(self.alarms), new[0].step)
        told = {alarm.kind for alarm in self.alarms[: -len(new)]} if new else set()
        for alarm in new:
            if self.tell and alarm.kind not in told:
                self.tell(alarm)
            told.add(alarm.kind)
