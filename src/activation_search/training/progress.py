"""One progress bar for the whole run."""

from typing import Any

import lightning.pytorch as pl
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from activation_search.console import in_short


class ProgressBar(pl.Callback):
    """Epochs done, the latest validation loss and metric that the run is judged by, the time left.

    Lightning's own bars draw one line per epoch and update on every batch; a small model spends
    a tenth of its time there.
    """

    def __init__(self) -> None:
        self.bar = Progress(
            TextColumn("[bold]training"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("epochs  {task.fields[latest]}"),
            TimeRemainingColumn(),
        )

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        # A limit in steps can come before the one in epochs.
        total = trainer.max_epochs or 0
        if trainer.max_steps > 0:
            # A remainder of accumulated batches makes a step too.
            per_epoch = -(-int(trainer.num_training_batches) // trainer.accumulate_grad_batches)
            total = min(total, -(-trainer.max_steps // per_epoch))
        done = trainer.current_epoch
        self.task = self.bar.add_task("training", total=total, completed=done, latest="")
        self.bar.start()

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        names = ("val_loss", f"val_{pl_module.criterion.metric}")
        values = {k: v.item() for k, v in trainer.callback_metrics.items() if k in names}
        latest = "  ".join(f"{name} {in_short(value)}" for name, value in values.items())
        self.bar.update(self.task, advance=1, latest=latest)

    def on_train_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        self.bar.stop()
