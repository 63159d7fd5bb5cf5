"""The LightningModule: one network, one task, one optimizer."""

from dataclasses import asdict
from typing import Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torchmetrics import MeanMetric

from activation_search.data.sample import Sample, Target
from activation_search.diagnostics.probe import evaluating
from activation_search.errors import UserError
from activation_search.models.factory import build_network
from activation_search.seeds import derive
from activation_search.training.config import TrainConfig, from_dict
from activation_search.training.optim import build_optimizer, build_schedule, parameter_groups
from activation_search.training.task import build_task


class ActivationModule(pl.LightningModule):
    """Trains a model with activations at its sites; predicts when it is trained.

    Args:
        config: plain data of :class:`TrainConfig`.
        sample: plain data of :class:`Sample`.
        target: plain data of :class:`Target`.
        mean, std: the training split's statistics, kept with the weights so that
            :meth:`predict` takes samples as they come.
        target_mean, target_std: of targets that are numbers.

    Everything is plain, so that a checkpoint loads with ``weights_only=True``.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        config: dict[str, Any],
        sample: dict[str, Any],
        target: dict[str, Any],
        mean: Tensor | None = None,
        std: Tensor | None = None,
        target_mean: Tensor | None = None,
        target_std: Tensor | None = None,
    ):
        super().__init__()
        self.save_hyperparameters("config", "sample", "target", logger=False)
        self.config: TrainConfig = from_dict(config)
        self.sample = Sample(sample["kind"], tuple(sample["shape"]))
        self.task = build_task(Target(**target), target_mean, target_std)
        self.network = build_network(
            self.config.model,
            self.config.activation,
            self.sample,
            self.task.outputs,
            self.config.init,
            self.config.seed,
        )
        ones = [1] * (1 + len(self.sample.shape))
        ones[1 + self.sample.channel_axis] = self.sample.shape[self.sample.channel_axis]
        self.register_buffer("mean", torch.zeros(ones) if mean is None else mean)
        self.register_buffer("std", torch.ones(ones) if std is None else std)
        self.metrics = self.task.metrics()
        # By default a NaN would be left out of the mean, and a diverged model look sound.
        self.evaluation_loss = MeanMetric(nan_strategy="disable")
        if self.config.trainer.precision == "64-true":
            # Before a checkpoint is read, which would otherwise be rounded to float32.
            self.double()

    def __setattr__(self, name: str, value: Any) -> None:
        # Lightning notes on the module which hook runs, some sixty times a step, and torch looks
        # through parameters, buffers and submodules at each: a tenth of a small model's step.
        if name == "_current_fx_name":
            object.__setattr__(self, name, value)
        else:
            super().__setattr__(name, value)

    def forward(self, x: Tensor) -> Tensor:
        """Raw outputs for standardised samples ``[B, ...]``."""
        return self.network(x)

    @torch.no_grad()
    def predict(self, x: Tensor | np.ndarray) -> Tensor:
        """What the task's output function makes of samples ``[B, ...]`` on the data's own scale:
        class probabilities ``[B, classes]``, the probability of 1 ``[B]``, or numbers in the
        targets' unit ``[B, size]``.

        Args:
            x: samples in the shape of ``sample``; a last dimension of 1 may be left out.

        Raises:
            UserError: another shape.
        """
        samples = torch.as_tensor(x, dtype=self.mean.dtype, device=self.mean.device)
        shape = self.sample.shape
        if shape[-1] == 1 and samples.shape[1:] == shape[:-1]:
            samples = samples.unsqueeze(-1)
        if samples.shape[1:] != shape:
            wanted = ", ".join(map(str, ("B", *shape)))
            raise UserError(f"predict takes samples [{wanted}], not {list(samples.shape)}.")
        with evaluating(self):
            return self.task.predict(self((samples - self.mean) / self.std))

    def on_train_epoch_start(self) -> None:
        # Dropout and stochastic activations draw from a stream per epoch, so that a resumed run
        # draws what an unbroken one would.
        seed = derive(self.config.seed, "noise", self.current_epoch)
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        # Summed on the device, since reading it each step would stall a GPU; in float32 whatever
        # the precision, since a sum of bfloat16 stops growing.
        self.train_loss_sum = torch.zeros((), device=self.device)

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        x, y = batch
        outputs = self.network(x)
        loss = self.task.loss(outputs, y)
        self.last_loss = loss.detach()
        self.train_loss_sum += self.last_loss
        return loss

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        x, y = batch
        outputs = self.network(x)
        self.metrics.update(*self.task.judged(outputs, y))
        self.evaluation_loss.update(self.task.loss(outputs, y), len(y))

    def on_validation_epoch_end(self) -> None:
        self._report("val")

    test_step = validation_step

    def on_test_epoch_end(self) -> None:
        self._report("test")

    def _report(self, split: str) -> None:
        values = {"loss": self.evaluation_loss.compute(), **self.metrics.compute()}
        # Where callbacks look for what they monitor; self.log would bring it there too, and take
        # longer than a validation of a small model.
        found = {f"{split}_{name}": value for name, value in values.items()}
        self.trainer.callback_metrics.update(found)
        self.evaluation_loss.reset()
        self.metrics.reset()

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(self.network, self.config.optim)
        # Under mixed precision Lightning refuses to clip gradients of a fused optimizer.
        fused = self.config.trainer.precision.endswith("true")
        optimizer = build_optimizer(groups, self.config.optim, fused)
        steps = int(self.trainer.estimated_stepping_batches)
        steps = min(steps, self.config.trainer.max_steps or steps)
        schedule = build_schedule(optimizer, self.config.optim, steps)
        if schedule is None:
            return optimizer
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": "step"},
        }


def to_hyperparameters(config: TrainConfig, sample: Sample, target: Target) -> dict[str, Any]:
    """Plain keyword arguments of :class:`ActivationModule`."""
    return {
        "config": config.as_dict(),
        "sample": {**asdict(sample), "shape": list(sample.shape)},
        "target": asdict(target),
    }
