"""The LightningModule: one network, one task, one optimizer."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import ReduceLROnPlateau

from activation_search.config.run import TrainConfig, from_dict
from activation_search.data.encoding import InputColumn, network_inputs
from activation_search.data.sample import Sample, Target
from activation_search.diagnostics.probe import evaluating
from activation_search.errors import UserError
from activation_search.models.factory import build_network
from activation_search.seeds import derive
from activation_search.training.given import as_samples
from activation_search.training.optim import build_optimizer, build_schedule, parameter_groups
from activation_search.training.precision import Scale, precise, widest
from activation_search.training.task import build_task

if TYPE_CHECKING:
    import pandas as pd

CHECKPOINT_FORMAT = 1  # a higher one cannot be read by this version


class ActivationModule(pl.LightningModule):
    """Trains a model with activations at its sites; predicts when it is trained.

    Args:
        config: plain data of :class:`TrainConfig`.
        sample: plain data of :class:`Sample`.
        target: plain data of :class:`Target`.
        mean, std: the training split's statistics in float64, kept with the weights so that
            :meth:`predict` takes samples as they come.
        target_mean, target_std: of targets that are numbers, in float64.
        columns: plain data of the table's :class:`InputColumn`, if it was trained on one.
        class_weights: of the loss, see :func:`activation_search.data.class_weights.class_weights`.

    criterion: what the run is judged by.

    Everything is plain, so that a checkpoint loads with ``weights_only=True``.
    """

    def __init__(
        self,
        config: dict[str, Any],
        sample: dict[str, Any],
        target: dict[str, Any],
        mean: Tensor | None = None,
        std: Tensor | None = None,
        target_mean: Tensor | None = None,
        target_std: Tensor | None = None,
        columns: Sequence[dict[str, Any]] = (),
        class_weights: Tensor | None = None,
    ):
        super().__init__()
        self.save_hyperparameters("config", "sample", "target", "columns", logger=False)
        self.config: TrainConfig = from_dict(config)
        self.sample = Sample(**{**sample, "shape": tuple(sample["shape"])})
        self.target = Target(**{**target, "names": tuple(target.get("names", ()))})
        self.columns = [InputColumn.from_dict(column) for column in columns]
        self.task = build_task(self.target, target_mean, target_std, class_weights)
        self.criterion = self.task.criterion(self.config.task.metric)
        # Of the last evaluation: the split, and counts by true and predicted class.
        self.confusion: tuple[str, Tensor | None] = ("", None)
        self.network = build_network(
            self.config.model,
            self.config.activation,
            self.sample,
            self.task.outputs,
            self.config.init,
            self.config.seed,
        )
        zeros = torch.zeros(self.sample.statistics_shape, dtype=torch.float64)
        self.scale = Scale(zeros if mean is None else mean, zeros + 1 if std is None else std)
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

    def inputs(self, x: Tensor) -> Tensor:
        """Samples on the model's device, and but for tokens in its precision."""
        weights = next(self.network.parameters())
        return x.to(weights.device) if self.sample.kind == "tokens" else x.to(weights)

    @torch.no_grad()
    def predict(self, x: "Tensor | np.ndarray | pd.DataFrame") -> Tensor:
        """What the task's output function makes of samples ``[B, ...]`` on the data's own scale:
        class probabilities ``[B, classes]``, the probability of 1 ``[B]``, numbers in the targets'
        unit ``[B, size]``, the samples given back ``[B, ...]``, or the probabilities of each next
        token ``[B, T, vocabulary]``.

        Args:
            x: samples in the shape of ``sample``; a single feature or colour may be left out, and
                colours may come last. Tokens, and series whose length varies, may be fewer. Of a
                model that was trained on a table: a pandas frame with the table's columns as they
                are, in any order, whose gaps and words are read as in training; an array too, where
                all columns are numbers without gaps. Of any other model a frame counts as an array,
                its columns in the order of training.

        Raises:
            UserError: another shape; no numbers, or some that are masked, not finite or rounded by
                float64; no tokens; or a frame that lacks a column.
        """
        samples = as_samples(network_inputs(self.columns, x), self.sample)
        return self.predict_inputs(samples.to(self.scale.mean.device))

    @torch.no_grad()
    def predict_inputs(self, x: Tensor) -> Tensor:
        """As :meth:`predict`, of samples on the model's device; those of a table as the network
        reads its columns."""
        samples = self.sample.arranged(x)
        shape = self.sample.shape
        given = samples.shape[1:]
        if self.sample.varies or self.sample.kind == "tokens":
            fits = len(given) == len(shape) and given[1:] == shape[1:] and 0 < given[0] <= shape[0]
        else:
            fits = given == shape
        if not fits:
            wanted = ", ".join(map(str, ("B", *shape)))
            raise UserError(f"predict takes samples [{wanted}], not {list(samples.shape)}.")
        if self.sample.kind != "tokens":
            samples = self.scale(samples)
        with evaluating(self):
            predicted = self.task.predict(self(self.inputs(samples)))
        if self.target.kind == "itself":
            return self.scale.undo(predicted.view_as(samples))
        return predicted

    @torch.no_grad()
    def generate(self, prompt: str, length: int, temperature: float = 1.0, seed: int = 0) -> str:
        """Text that continues ``prompt``, character by character.

        Args:
            prompt: at least one character; the model sees the last ``context`` of them.
            length: how many characters to add.
            temperature: below 1 more of the likely ones, 0 always the likeliest.
            seed: of the draws.

        Raises:
            UserError: the model predicts no text, or has never seen a character of the prompt.
        """
        names = self.target.names
        if self.target.kind != "next" or not names:
            raise UserError("generate is for models of text, such as of data=text.")
        if not prompt or (strange := [c for c in prompt if c not in names]):
            what = repr(strange[0]) if prompt else "an empty prompt"
            raise UserError(f"This model cannot continue {what}; it knows {''.join(names)!r}.")
        generator = torch.Generator().manual_seed(seed)
        tokens = [names.index(character) for character in prompt]
        for _ in range(length):
            seen = torch.tensor([tokens[-self.sample.shape[0] :]])
            shares = self.predict(seen)[0, -1].cpu().double()
            if temperature == 0:
                tokens.append(int(shares.argmax()))
                continue
            # In proportion to the largest, since a power of small numbers may vanish.
            weights = (shares / shares.max()) ** (1 / temperature)
            tokens.append(int(torch.multinomial(weights, 1, generator=generator)))
        return "".join(names[token] for token in tokens)

    def on_train_epoch_start(self) -> None:
        # Dropout and stochastic activations draw from a stream per epoch, so that a resumed run
        # draws what an unbroken one would.
        seed = derive(self.config.seed, "noise", self.current_epoch)
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        # Summed on the device, since reading it each step would stall a GPU, and as precisely as
        # it can, since a sum of bfloat16 stops growing.
        self._loss_sum = torch.zeros((), device=self.device, dtype=widest(self.device))
        self._seen = 0

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        x, y = batch
        outputs = self.network(x)
        loss = self.task.loss(outputs, y)
        self.last_loss = loss.detach()
        self._loss_sum += self.last_loss * len(y)
        self._seen += len(y)
        return loss * self._weight(len(y), index)

    def _weight(self, samples: int, index: int) -> float:
        """Of a batch, among those that are accumulated to one step: they count by their samples,
        as one large batch would. Lightning divides each by the number it was asked for, also in
        the last group, which may hold fewer."""
        asked = self.trainer.accumulate_grad_batches
        if asked == 1:
            return 1.0
        first = index - index % asked
        group = range(first, min(first + asked, int(self.trainer.num_training_batches)))
        batches: Any = self.trainer.train_dataloader
        return samples * asked / sum(batches.samples(i) for i in group)

    @property
    def epoch_loss(self) -> float:
        """Mean training loss over the samples of the epoch so far."""
        return self._loss_sum.item() / self._seen

    def on_validation_epoch_start(self) -> None:
        self._evaluated: list[tuple[Tensor, int]] = []

    on_test_epoch_start = on_validation_epoch_start

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        x, y = batch
        outputs = self.network(x)
        self.task.metrics.update(*self.task.metric_inputs(outputs, y))
        self._evaluated.append((self.task.loss(outputs, y), len(y)))

    def on_validation_epoch_end(self) -> None:
        self._report("val")

    test_step = validation_step

    def on_test_epoch_end(self) -> None:
        self._report("test")

    def _report(self, split: str) -> None:
        # By hand: torchmetrics 1.9 leaves a NaN out of a mean, or with nan_strategy="disable" the
        # weights.
        losses, sizes = zip(*self._evaluated, strict=True)
        weights = torch.tensor(sizes, device=self.device)
        loss = (precise(torch.stack(losses)) * weights).sum() / weights.sum()
        values = {"loss": loss, **self.task.measured()}
        # Where callbacks look for what they monitor; self.log would bring it there too, and take
        # longer than a validation of a small model.
        found = {f"{split}_{name}": value for name, value in values.items()}
        self.trainer.callback_metrics.update(found)
        self.confusion = (split, self.task.confusion())
        self.task.metrics.reset()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint["format"] = CHECKPOINT_FORMAT

    def configure_optimizers(self) -> Any:
        groups = parameter_groups(self.network, self.config.optim)
        # Under mixed precision Lightning refuses to clip gradients of a fused optimizer.
        fused = self.config.trainer.precision.endswith("true")
        optimizer = build_optimizer(groups, self.config.optim, fused)
        steps = int(self.trainer.estimated_stepping_batches)
        steps = min(steps, self.config.trainer.max_steps or steps)
        interval = self.config.optim.schedule_interval
        epochs = self.trainer.max_epochs or 0
        if interval == "epoch" and epochs > 0:  # as often as the schedule goes on
            steps = math.ceil(steps * epochs / self.trainer.estimated_stepping_batches)
        schedule = build_schedule(optimizer, self.config.optim, steps)
        if schedule is None:
            return optimizer
        when: dict[str, Any] = {"scheduler": schedule, "interval": interval}
        if isinstance(schedule, ReduceLROnPlateau):
            when |= {"interval": "epoch", "monitor": "val_loss"}
        return {"optimizer": optimizer, "lr_scheduler": when}


def to_hyperparameters(
    config: TrainConfig, sample: Sample, target: Target, columns: Sequence[InputColumn] = ()
) -> dict[str, Any]:
    """Plain keyword arguments of :class:`ActivationModule`."""
    return {
        "config": config.as_dict(),
        "sample": {**asdict(sample), "shape": list(sample.shape)},
        "target": {**asdict(target), "names": list(target.names)},
        "columns": [column.as_dict() for column in columns],
    }
