"""What the output means: its width, loss, output function and metrics.

An activation is never put on the output; the task owns it, and follows from the data's target.
Losses take raw outputs, which is stabler than the logarithm of a softmax or sigmoid; ``predict``
gives what the output function makes of them.
"""

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MeanAbsoluteError, MeanSquaredError, MetricCollection

from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_source
from activation_search.data.sample import Target
from activation_search.errors import unknown
from activation_search.training.criterion import Criterion
from activation_search.training.metrics import (
    AUROC,
    R2,
    Accuracy,
    BinaryAccuracy,
    BitsPerCharacter,
    FromConfusion,
    MacroF1,
    Perplexity,
)
from activation_search.training.precision import KeepsPrecision, precise


class Task(KeepsPrecision):
    """What runs ask of a task.

    Args:
        outputs: width of the output layer, the target's size.

    modes: metric -> which values of it are better, ``"max"`` or ``"min"``. The first judges a run
        unless another one is chosen; it is defined on every split that
        :func:`activation_search.data.splits.split` lets pass.
    metrics: of the split that is being evaluated.
    """

    modes: ClassVar[Mapping[str, str]]

    def __init__(self, outputs: int):
        super().__init__()
        self.outputs = outputs
        self.metrics = self.build_metrics()

    @classmethod
    def criterion(cls, metric: str | None = None) -> Criterion:
        """What runs of the task are judged by.

        Args:
            metric: one of ``modes``, or ``loss``; ``None`` for the first.

        Raises:
            UserError: the task has no such metric.
        """
        modes = {**cls.modes, "loss": "min"}
        chosen = metric or next(iter(modes))
        if chosen not in modes:
            raise unknown("task.metric", chosen, modes)
        return Criterion(chosen, modes[chosen])

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean over the batch."""
        raise NotImplementedError

    def predict(self, outputs: Tensor) -> Tensor:
        """The output function's value."""
        raise NotImplementedError

    def metric_inputs(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and targets as :meth:`metrics` take them."""
        return outputs, y

    def build_metrics(self) -> MetricCollection:
        """Fresh metrics."""
        raise NotImplementedError

    def measured(self) -> dict[str, Tensor]:
        """Metrics of the split that was evaluated, in the data's unit; NaN where one is undefined,
        see ``UNDEFINED``."""
        return self.metrics.compute()

    def confusion(self) -> Tensor | None:
        """Counts ``[classes, classes]``, true by predicted, of the split that was evaluated;
        ``None`` where nothing is classified."""
        for metric in self.metrics.values(copy_state=False):
            if isinstance(metric, FromConfusion):
                return metric.confmat
        return None


class ClassTask(Task):
    """A task of classes, which the loss may weigh.

    Args:
        outputs: see :class:`Task`.
        class_weights: ``[classes]``, see
            :func:`activation_search.data.class_weights.class_weights`; ``None`` for all alike. Not
            kept with the weights of the model, since a prediction needs none.
    """

    class_weights: Tensor | None

    def __init__(self, outputs: int, class_weights: Tensor | None = None):
        super().__init__(outputs)
        self.register_buffer("class_weights", class_weights, persistent=False)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy in nats, mean over the batch of what each sample's class makes it count."""
        outputs = precise(outputs)
        if self.class_weights is None:
            return self.cross_entropy(outputs, y, "mean")
        losses = self.cross_entropy(outputs, y, "none")
        return (losses * self.class_weights[y].to(losses.dtype)).mean()

    def cross_entropy(self, outputs: Tensor, y: Tensor, reduction: str) -> Tensor:
        """As torch's functions give it."""
        raise NotImplementedError


class Classification(ClassTask):
    """One of several classes, ``outputs`` in number: softmax output, cross-entropy loss."""

    modes: ClassVar = {"accuracy": "max", "macro_f1": "max"}

    def cross_entropy(self, outputs: Tensor, y: Tensor, reduction: str) -> Tensor:
        """Outputs ``[B, classes]``, y ``[B]`` class numbers."""
        return F.cross_entropy(outputs, y, reduction=reduction)

    def predict(self, outputs: Tensor) -> Tensor:
        """Class probabilities ``[B, classes]``."""
        return precise(outputs).softmax(-1)

    def build_metrics(self) -> MetricCollection:
        return MetricCollection(
            {"accuracy": Accuracy(self.outputs), "macro_f1": MacroF1(self.outputs)}
        )


class BinaryClassification(ClassTask):
    """Yes or no: sigmoid output, logit loss."""

    modes: ClassVar = {"accuracy": "max", "auroc": "max"}

    def cross_entropy(self, outputs: Tensor, y: Tensor, reduction: str) -> Tensor:
        """Outputs ``[B, 1]``, y ``[B]`` of 0 and 1."""
        logits, wanted = outputs[:, 0], y.to(outputs.dtype)
        return F.binary_cross_entropy_with_logits(logits, wanted, reduction=reduction)

    def predict(self, outputs: Tensor) -> Tensor:
        """Probability of 1, ``[B]``."""
        return precise(outputs[:, 0]).sigmoid()

    def metric_inputs(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return outputs[:, 0], y

    def build_metrics(self) -> MetricCollection:
        return MetricCollection({"accuracy": BinaryAccuracy(), "auroc": AUROC()})


class Regression(Task):
    """Numbers: identity output, mean squared error of standardised targets.

    Metrics are computed on standardised values, so that they are the same in any unit; the mean
    absolute error and predictions are in the targets' own unit.

    Args:
        size: how many numbers.
        mean, std: of the training targets, ``[size]`` of float64; kept with the weights.
    """

    modes: ClassVar = {"r2": "max", "mae": "min"}
    mean: Tensor
    std: Tensor

    def __init__(self, size: int, mean: Tensor | None = None, std: Tensor | None = None):
        super().__init__(size)
        zeros = torch.zeros(size, dtype=torch.float64)
        self.register_buffer("mean", zeros if mean is None else mean)
        self.register_buffer("std", zeros + 1 if std is None else std)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean squared error, in variances of the targets; both ``[B, size]``."""
        return F.mse_loss(precise(outputs), precise(y))

    def predict(self, outputs: Tensor) -> Tensor:
        """In the targets' unit, ``[B, size]`` of float64."""
        return outputs.to(self.std.dtype) * self.std + self.mean

    def metric_inputs(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return precise(outputs), precise(y)

    def build_metrics(self) -> MetricCollection:
        return MetricCollection({"r2": R2(self.outputs), "mae": MeanAbsoluteError(self.outputs)})

    def measured(self) -> dict[str, Tensor]:
        values = super().measured()
        return values | {"mae": (values["mae"] * self.std).mean()}


class Reconstruction(Task):
    """The sample itself: tanh output on samples scaled to [-1, 1], mean squared error."""

    modes: ClassVar = {"mse": "min", "mae": "min"}

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean squared error; both ``[B, size]``."""
        return F.mse_loss(self.predict(outputs), precise(y))

    def predict(self, outputs: Tensor) -> Tensor:
        """Scaled to [-1, 1], ``[B, size]``."""
        return precise(outputs).tanh()

    def metric_inputs(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.predict(outputs), precise(y)

    def build_metrics(self) -> MetricCollection:
        return MetricCollection({"mse": MeanSquaredError(), "mae": MeanAbsoluteError()})


class NextToken(Task):
    """The token after each: softmax output over the vocabulary, cross-entropy loss."""

    modes: ClassVar = {"bits_per_character": "min", "perplexity": "min"}

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy in nats; outputs ``[B, T, vocabulary]``, y ``[B, T]``."""
        return F.cross_entropy(precise(outputs).flatten(0, 1), y.flatten().long())

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities ``[B, T, vocabulary]``."""
        return precise(outputs).softmax(-1)

    def metric_inputs(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return precise(outputs), y.long()

    def build_metrics(self) -> MetricCollection:
        return MetricCollection(
            {"bits_per_character": BitsPerCharacter(), "perplexity": Perplexity()}
        )


TASKS: dict[str, type[Task]] = {
    "classes": Classification,
    "binary": BinaryClassification,
    "numbers": Regression,
    "itself": Reconstruction,
    "next": NextToken,
}


def build_task(
    target: Target,
    mean: Tensor | None = None,
    std: Tensor | None = None,
    class_weights: Tensor | None = None,
) -> Task:
    """The task that a target asks for; mean and std of targets that are numbers, weights of
    classes."""
    kind = TASKS[target.kind]
    if issubclass(kind, Regression):
        return kind(target.size, mean, std)
    if issubclass(kind, ClassTask):
        return kind(target.size, class_weights)
    return kind(target.size)


def criterion_of(config: TrainConfig) -> Criterion:
    """What a run is judged by.

    Raises:
        UserError: the data cannot be read, or their task has no such metric.
    """
    return TASKS[load_source(config.data).target.kind].criterion(config.task.metric)


def mode_of(metric: str) -> str:
    """The direction of a metric that runs are judged by, whatever its task; no data is read."""
    modes = {name: mode for task in TASKS.values() for name, mode in task.modes.items()}
    return {**modes, "loss": "min"}[metric]
