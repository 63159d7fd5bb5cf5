"""The curve of a run, epoch by epoch."""

import time
from collections.abc import Callable
from typing import Any

import lightning.pytorch as pl
from torch.utils.tensorboard import SummaryWriter

from activation_search.diagnostics.tensorboard import write_scalars
from activation_search.training.stop import StopRules

EpochRow = dict[str, float]


class History(pl.Callback):
    """Records losses and metrics, and writes them to TensorBoard.

    curve: one row per epoch: epoch, step, learning_rate, train_loss, val_loss and metrics.
    stop: what ends the run early. pruned: whether ``on_epoch`` stopped it.
    seconds: spent in training batches alone, without validation and diagnostics at epoch ends; up
        to the end of the last epoch, see also :attr:`seconds_so_far`.

    Args:
        stop: is told every loss and step.
        every_n_steps: how often the loss of a step is read; until then a loss that is not finite
            goes unnoticed, since each reading makes a GPU wait.
        writer: for TensorBoard; ``None`` writes nothing.
        on_epoch: called with each row; ``True`` stops the run.
        curve: rows of the interrupted run that is resumed, until its checkpoint brings its own.
        track: called after each epoch with the curve so far.
    """

    def __init__(
        self,
        stop: StopRules,
        every_n_steps: int,
        writer: SummaryWriter | None = None,
        on_epoch: Callable[[EpochRow], bool] | None = None,
        curve: list[EpochRow] | None = None,
        track: Callable[[list[EpochRow]], None] = lambda curve: None,
    ):
        self.stop = stop
        self.every_n_steps = every_n_steps
        self.writer = writer
        self.on_epoch = on_epoch
        self.curve: list[EpochRow] = curve or []
        self.track = track
        self.pruned = False
        self.seconds = 0.0
        self._last_read = 0
        self._began = self._ended = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"curve": self.curve, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.curve, self.seconds = state_dict["curve"], state_dict["seconds"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.stop.check_start(trainer)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._began = time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        step = trainer.global_step
        self.stop.check_steps(trainer)
        # Several batches make one step where gradients are accumulated.
        if step % self.every_n_steps == 0 and step != self._last_read:
            self._last_read = step
            loss = pl_module.last_loss.item()
            if self.writer:
                write_scalars(self.writer, {"loss/train_step": loss}, step)
            self.stop.check_loss(trainer, "training loss", loss)
        if batch_idx + 1 == trainer.num_training_batches:
            pl_module.last_loss.item()  # waits for the device, so that the time is of its work
        self._ended = time.perf_counter()

    @property
    def seconds_so_far(self) -> float:
        """With those of an epoch that is not over."""
        return self.seconds + max(0.0, self._ended - self._began)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self.seconds += self._ended - self._began
        self._began = self._ended
        row: EpochRow = {
            "epoch": trainer.current_epoch,
            "step": trainer.global_step,
            "learning_rate": trainer.optimizers[0].param_groups[0]["lr"],
            "train_loss": pl_module.epoch_loss,
        }
        # Lightning validates at the end of an epoch, also of one that is cut short.
        values = trainer.callback_metrics.items()
        row |= {k: v.item() for k, v in values if k.startswith("val_")}
        self.curve.append(row)
        self._write(trainer, row)
        self.track(self.curve)
        self.stop.check_loss(trainer, "training loss", row["train_loss"])
        self.stop.check_loss(trainer, "validation loss", row.get("val_loss", 0.0))
        if self.on_epoch and not self.stop.diverged and self.on_epoch(row):
            self.pruned = True
            trainer.should_stop = True

    def _write(self, trainer: pl.Trainer, row: EpochRow) -> None:
        if self.writer is None:
            return
        groups = trainer.optimizers[0].param_groups
        # An optimizer of the user's own may have made groups of its own, without names.
        tagged = {f"learning_rate/{g.get('name', i)}": g["lr"] for i, g in enumerate(groups)}
        for name, value in row.items():
            split, _, metric = name.partition("_")
            if split in ("train", "val"):
                tagged[f"{metric}/{split}"] = value
        write_scalars(self.writer, tagged, trainer.global_step)
