"""Gradient norms per layer, and histograms of gradients and pre-activations, in TensorBoard."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.utils.tensorboard import SummaryWriter

from activation_search.diagnostics.probe import PROBE_SIZE, preactivations
from activation_search.models.network import Network

LARGEST = 1e19  # TensorBoard's bins end a little above


class Gradients(pl.Callback):
    """Writes ``grad_norm/total`` and ``grad_norm/<layer>`` before clipping, and histograms.

    Args:
        writer: for TensorBoard.
        every_n_steps: interval of the norms.
        histograms_every_n_epochs: interval of the histograms, drawn in the first step of an
            epoch; 0 for never. A histogram costs milliseconds where a norm costs microseconds.
    """

    def __init__(self, writer: SummaryWriter, every_n_steps: int, histograms_every_n_epochs: int):
        self.writer = writer
        self.every_n_steps = every_n_steps
        self.histograms_every_n_epochs = histograms_every_n_epochs
        self._histograms_due = False

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        every = self.histograms_every_n_epochs
        self._histograms_due = every > 0 and trainer.current_epoch % every == 0
        if self._histograms_due:
            self._write_preactivations(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.histograms_every_n_epochs:
            self._write_preactivations(trainer, pl_module)

    def on_before_optimizer_step(self, trainer: pl.Trainer, pl_module: Any, optimizer: Any) -> None:
        # Lightning calls this after unscaling and before clipping.
        norms_due = trainer.global_step % self.every_n_steps == 0
        if not (norms_due or self._histograms_due):
            return
        step = trainer.global_step
        if norms_due:
            for layer, norm in gradient_norms(pl_module.network).items():
                self.writer.add_scalar(f"grad_norm/{layer}", norm, step)
        if self._histograms_due:
            self._histograms_due = False
            for layer, gradients in layer_gradients(pl_module.network).items():
                _add_histogram(self.writer, f"gradient/{layer}", gradients, step)

    def _write_preactivations(self, trainer: pl.Trainer, pl_module: Any) -> None:
        x = trainer.datamodule.train.x[:PROBE_SIZE].to(pl_module.mean)  # type: ignore[attr-defined]
        for site, z in preactivations(pl_module.network, x).items():
            _add_histogram(self.writer, f"preactivation/{site}", [z], trainer.global_step)


def layer_gradients(network: Network) -> dict[str, list[Tensor]]:
    """Layer -> gradients of its weights, for layers that have any."""
    found = {name: _gradients(layer) for name, layer in network.layers.items()}
    return {name: gradients for name, gradients in found.items() if gradients}


def gradient_norms(network: Network) -> dict[str, float]:
    """Euclidean norm of the gradient: ``total`` of all parameters, then per layer."""
    norms = {"total": get_total_norm(_gradients(network))}
    norms.update((name, get_total_norm(g)) for name, g in layer_gradients(network).items())
    # One transfer for all of them.
    return dict(zip(norms, torch.stack(list(norms.values())).tolist(), strict=True))


def _gradients(module: nn.Module) -> list[Tensor]:
    return [p.grad for p in module.parameters() if p.grad is not None]


def _add_histogram(writer: SummaryWriter, tag: str, tensors: list[Tensor], step: int) -> None:
    values = torch.cat([t.detach().flatten().float() for t in tensors])
    finite = values[values.abs() < LARGEST]  # NaN compares as false
    if len(finite) < len(values):
        # TensorBoard fails on them; their number is the news.
        writer.add_scalar(f"nonfinite/{tag}", len(values) - len(finite), step)
    if len(finite):
        writer.add_histogram(tag, finite, step)
