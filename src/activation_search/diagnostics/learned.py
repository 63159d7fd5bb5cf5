"""What learnable activations learn: values in TensorBoard, curves at the start and at the end."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from activation_search.activations.curve import curve
from activation_search.diagnostics.figures import draw_learned_curve
from activation_search.diagnostics.probe import evaluating, preactivations, probe_batch
from activation_search.models.network import Network

MAX_ROWS = 8  # a parameter with more values per channel is told by its curve alone


class LearnedActivations(pl.Callback):
    """Writes ``learned/<site>/<parameter>`` (mean over channels) per epoch, and ``curve/<site>``
    as an image. Sites without learned parameters write nothing.

    Args:
        writer: for TensorBoard.
        curves_every_n_epochs: interval of the images, and one at the end; 0 for never, since each
            takes as long as training a small model for an epoch.
    """

    def __init__(self, writer: SummaryWriter, curves_every_n_epochs: int):
        self.writer = writer
        self.curves_every_n_epochs = curves_every_n_epochs
        self.starts: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"starts": self.starts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.starts = state_dict["starts"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.starts:  # a resumed run started earlier
            return
        network = pl_module.network
        self.starts = {site: learned_curve(network, site) for site in learnable_sites(network)}
        self._write_values(trainer.global_step, network)

    def on_train_epoch_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        every = self.curves_every_n_epochs
        if every and trainer.current_epoch % every == 0:
            self._write_curves(trainer, pl_module)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._write_values(trainer.global_step, pl_module.network)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.curves_every_n_epochs:
            self._write_curves(trainer, pl_module)

    def _write_values(self, step: int, network: Network) -> None:
        for site, module in learnable_sites(network).items():
            for name, parameter in module.named_parameters():
                channels = parameter.shape[-1] if parameter.dim() else 1
                rows = parameter.detach().reshape(-1, channels).mean(1).tolist()
                for i, value in enumerate(rows if len(rows) <= MAX_ROWS else []):
                    suffix = f"_{i}" if len(rows) > 1 else ""
                    self.writer.add_scalar(f"learned/{site}/{name}{suffix}", value, step)

    def _write_curves(self, trainer: pl.Trainer, pl_module: Any) -> None:
        network = pl_module.network
        seen = preactivations(network, probe_batch(trainer, pl_module))
        # A site of a user's model may act in training alone.
        for site in (site for site in learnable_sites(network) if site in seen):
            now = learned_curve(network, site)
            figure = draw_learned_curve(site, X, self.starts[site], now, seen[site])
            self.writer.add_figure(f"curve/{site}", figure, trainer.global_step)


X = torch.linspace(-4, 4, 201)


def learnable_sites(network: Network) -> dict[str, nn.Module]:
    """Site -> activation, for those with parameters of their own."""
    return {s: m for s, m in network.activations.items() if any(True for _ in m.parameters())}


def learned_curve(network: Network, site: str) -> Tensor:
    """The activation of a site at ``X``, see :func:`activation_search.activations.curve.curve`."""
    activation = network.activations[site]
    with evaluating(activation):
        return curve(activation, X.to(next(activation.parameters())), *network.layouts[site])


def learned_parameters(network: Network) -> dict[str, dict[str, list]]:
    """Site -> parameter -> its values, for the run's result."""
    return {
        site: {name: p.detach().tolist() for name, p in module.named_parameters()}
        for site, module in learnable_sites(network).items()
    }
