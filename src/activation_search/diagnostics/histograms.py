"""Histograms of gradients and pre-activations in TensorBoard."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor
from torch.utils.tensorboard import SummaryWriter

from activation_search.diagnostics.gradients import layer_gradients
from activation_search.diagnostics.probe import preactivations, probe_batch

LARGEST = 1e19  # TensorBoard's bins end a little above


class Histograms(pl.Callback):
    """Writes ``gradient/<layer>`` (before clipping) and ``preactivation/<site>``.

    Args:
        writer: for TensorBoard.
        every_n_epochs: interval; they are drawn in the first step of an epoch. A histogram costs
            milliseconds where a norm costs microseconds.
    """

    def __init__(self, writer: SummaryWriter, every_n_epochs: int):
        self.writer = writer
        self.every_n_epochs = every_n_epochs
        self._due = False

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._due = trainer.current_epoch % self.every_n_epochs == 0
        if self._due:
            self._write_preactivations(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._write_preactivations(trainer, pl_module)

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        # Lightning calls this after unscaling and before clipping.
        if self._due:
            self._due = False
            for layer, gradients in layer_gradients(pl_module.network).items():
                self._add(f"gradient/{layer}", gradients, trainer.global_step)

    def _write_preactivations(self, trainer: pl.Trainer, pl_module: Any) -> None:
        x = probe_batch(trainer, pl_module)
        for site, z in preactivations(pl_module.network, x).items():
            self._add(f"preactivation/{site}", [z], trainer.global_step)

    def _add(self, tag: str, tensors: list[Tensor], step: int) -> None:
        values = torch.cat([t.detach().flatten().float() for t in tensors])
        finite = values[values.abs() < LARGEST]  # NaN compares as false
        if len(finite) < len(values):
            # TensorBoard fails on them; their number is the news.
            self.writer.add_scalar(f"nonfinite/{tag}", len(values) - len(finite), step)
        if len(finite):
            self.writer.add_histogram(tag, finite, step)
