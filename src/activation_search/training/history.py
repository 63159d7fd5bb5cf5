"""The curve of a run, epoch by epoch, and the end of one that diverges."""

import math
import time
from typing import Any

import lightning.pytorch as pl

from activation_search.diagnostics.writer import writer_of


class History(pl.Callback):
    """Records losses and metrics, writes them to TensorBoard, stops at a loss that is not finite.

    curve: one mapping per epoch: epoch, step, learning_rate, train_loss, val_loss and metrics.
    diverged: why training was stopped, or none.
    seconds: spent in training batches alone, without validation and diagnostics at epoch ends.

    Args:
        every_n_steps: how often the loss of a step is read; until then a loss that is not finite
            goes unnoticed, since each reading makes a GPU wait.
    """

    def __init__(self, every_n_steps: int):
        self.every_n_steps = every_n_steps
        self.curve: list[dict[str, float]] = []
        self.diverged: str | None = None
        self.seconds = 0.0
        self._epoch_began = 0.0
        self._batches = 0

    def state_dict(self) -> dict[str, Any]:
        return {"curve": self.curve, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.curve, self.seconds = state_dict["curve"], state_dict["seconds"]

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        pl_module.train_loss_sum.zero_()
        self._batches = 0
        self._epoch_began = time.perf_counter()

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._batches += 1
        if self._batches == trainer.num_training_batches:
            self.seconds += time.perf_counter() - self._epoch_began
        if trainer.global_step % self.every_n_steps == 0:
            loss = pl_module.last_loss.item()
            if writer := writer_of(trainer):
                writer.add_scalar("loss/train_step", loss, trainer.global_step)
            self._check(trainer, "training loss", loss)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        train_loss = pl_module.train_loss_sum.item() / max(self._batches, 1)
        values = {
            "train_loss": train_loss,
            **{k: v.item() for k, v in trainer.callback_metrics.items() if k.startswith("val_")},
        }
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        self.curve.append(
            {
                "epoch": trainer.current_epoch,
                "step": trainer.global_step,
                "learning_rate": rate,
                **values,
            }
        )
        if writer := writer_of(trainer):
            for name, value in values.items():
                split, _, metric = name.partition("_")
                writer.add_scalar(f"{metric}/{split}", value, trainer.global_step)
            writer.add_scalar("learning_rate", rate, trainer.global_step)
        self._check(trainer, "training loss", train_loss)
        self._check(trainer, "validation loss", values.get("val_loss", 0.0))

    def _check(self, trainer: pl.Trainer, what: str, value: float) -> None:
        if not math.isfinite(value) and not self.diverged:
            self.diverged = f"{what} is {value} at step {trainer.global_step}"
            trainer.should_stop = True
