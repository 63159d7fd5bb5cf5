"""What learnable activations learn: values in TensorBoard, curves at the start and at the end."""

from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from activation_search.diagnostics.figures import draw_learned_curve
from activation_search.diagnostics.writer import writer_of
from activation_search.models.network import Network

MOST_ROWS = 8  # a parameter with more values per channel is told by its curve alone


class LearnedActivations(pl.Callback):
    """Writes ``learned/<site>/<parameter>`` (mean over channels) per epoch, ``curve/<site>`` as
    an image at the start and at the end. Sites without learned parameters write nothing."""

    def __init__(self) -> None:
        self.starts: dict[str, Tensor] = {}

    def state_dict(self) -> dict[str, Any]:
        return {"starts": self.starts}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.starts = state_dict["starts"]

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        if self.starts:  # a resumed run started earlier
            return
        self.starts = {s: curve(m) for s, m in learnable_sites(pl_module.network).items()}
        self._write(trainer, pl_module, with_curves=True)

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._write(trainer, pl_module, with_curves=False)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        self._write(trainer, pl_module, with_curves=True)

    def _write(self, trainer: pl.Trainer, pl_module: Any, with_curves: bool) -> None:
        writer = writer_of(trainer)
        assert writer is not None
        step = trainer.global_step
        for site, module in learnable_sites(pl_module.network).items():
            for name, parameter in module.named_parameters():
                rows = parameter.detach().reshape(-1, parameter.shape[-1]).mean(1).tolist()
                for i, value in enumerate(rows if len(rows) <= MOST_ROWS else []):
                    suffix = f"_{i}" if len(rows) > 1 else ""
                    writer.add_scalar(f"learned/{site}/{name}{suffix}", value, step)
            if with_curves:
                figure = draw_learned_curve(site, X, self.starts[site], curve(module))
                writer.add_figure(f"curve/{site}", figure, step)


X = torch.linspace(-4, 4, 201)


def learnable_sites(network: Network) -> dict[str, nn.Module]:
    """Site -> activation, for those with parameters of their own."""
    return {s: m for s, m in network.activations.items() if any(True for _ in m.parameters())}


@torch.no_grad()
def curve(activation: nn.Module) -> Tensor:
    """An element-wise activation at ``X``: ``[201, channels]``, one column if all share it."""
    parameter = next(activation.parameters())
    channels = getattr(activation, "count", parameter.shape[-1] if parameter.dim() else 1)
    x = X.to(parameter)[:, None].repeat(1, channels)
    was_training = activation.training
    activation.eval()
    y = activation(x).float().cpu()
    activation.train(was_training)
    return y


def learned_parameters(network: Network) -> dict[str, dict[str, list]]:
    """Site -> parameter -> its values, for the run's result."""
    return {
        site: {name: p.detach().tolist() for name, p in module.named_parameters()}
        for site, module in learnable_sites(network).items()
    }
