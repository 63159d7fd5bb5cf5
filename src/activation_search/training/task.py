"""What the output means: its width, loss, output function and metrics.

An activation is never put on the output; the task owns it, and follows from the data's target.
Losses take raw outputs, which is stabler than the logarithm of a softmax or sigmoid; ``predict``
gives what the output function makes of them.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import (
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    MetricCollection,
    R2Score,
)
from torchmetrics.classification import (
    BinaryAccuracy,
    BinaryAUROC,
    MulticlassConfusionMatrix,
)

from activation_search.data.config import DataConfig
from activation_search.data.sample import Target
from activation_search.data.sources import load_source
from activation_search.training.precision import KeepsPrecision, precise


class Task(KeepsPrecision):
    """What runs ask of a task.

    Args:
        outputs: width of the output layer, the target's size.

    metric, mode: what a run is judged by, and in which direction, ``"max"`` or ``"min"``.
    running: metrics of the split that is being evaluated.
    """

    metric: str
    mode: str

    def __init__(self, outputs: int):
        super().__init__()
        self.outputs = outputs
        self.running = self.metrics()

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean over the batch."""
        raise NotImplementedError

    def predict(self, outputs: Tensor) -> Tensor:
        """The output function's value."""
        raise NotImplementedError

    def judged(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs and targets as :meth:`metrics` take them."""
        return outputs, y

    def metrics(self) -> MetricCollection:
        """Fresh metrics."""
        raise NotImplementedError


class FromConfusion(MulticlassConfusionMatrix):
    """A metric that the confusion matrix gives: those of one run count it once for all.

    Args:
        classes: their number.
    """

    def __init__(self, classes: int):
        super().__init__(classes, validate_args=False)


class Accuracy(FromConfusion):
    """Share of samples that are told right."""

    def compute(self) -> Tensor:
        return self.confmat.diagonal().sum() / self.confmat.sum()


class MacroF1(FromConfusion):
    """Mean over the classes that occur of 2 right / (told + true), each class alike."""

    def compute(self) -> Tensor:
        occurs = self.confmat.sum(0) + self.confmat.sum(1)
        scores = 2 * self.confmat.diagonal() / occurs
        return scores[occurs > 0].mean()


class Classification(Task):
    """One of several classes, ``outputs`` in number: softmax output, cross-entropy loss."""

    metric = "accuracy"
    mode = "max"

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy in nats; outputs ``[B, classes]``, y ``[B]`` class numbers."""
        return F.cross_entropy(outputs, y)

    def predict(self, outputs: Tensor) -> Tensor:
        """Class probabilities ``[B, classes]``."""
        return precise(outputs).softmax(-1)

    def metrics(self) -> MetricCollection:
        return MetricCollection(
            {"accuracy": Accuracy(self.outputs), "macro_f1": MacroF1(self.outputs)}
        )


class BinaryClassification(Task):
    """Yes or no: sigmoid output, logit loss."""

    metric = "accuracy"
    mode = "max"

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy in nats; outputs ``[B, 1]``, y ``[B]`` of 0 and 1."""
        return F.binary_cross_entropy_with_logits(outputs[:, 0], y.to(outputs.dtype))

    def predict(self, outputs: Tensor) -> Tensor:
        """Probability of 1, ``[B]``."""
        return precise(outputs[:, 0]).sigmoid()

    def judged(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        # Told apart here, since torchmetrics takes logits that all lie in [0, 1] for probabilities.
        return self.predict(outputs), y

    def metrics(self) -> MetricCollection:
        return MetricCollection({"accuracy": BinaryAccuracy(), "auroc": BinaryAUROC()})


class Regression(Task):
    """Numbers: identity output, mean squared error of standardised targets; metrics and
    predictions in the targets' own unit.

    Args:
        size: how many numbers.
        mean, std: of the training targets, ``[size]``; kept with the weights.
    """

    metric = "r2"
    mode = "max"
    mean: Tensor
    std: Tensor

    def __init__(self, size: int, mean: Tensor | None = None, std: Tensor | None = None):
        super().__init__(size)
        self.register_buffer("mean", torch.zeros(size) if mean is None else mean)
        self.register_buffer("std", torch.ones(size) if std is None else std)

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean squared error, in variances of the targets; both ``[B, size]``."""
        return F.mse_loss(outputs, y)

    def predict(self, outputs: Tensor) -> Tensor:
        """In the targets' unit, ``[B, size]``."""
        return precise(outputs) * self.std + self.mean

    def judged(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.predict(outputs), self.predict(y)

    def metrics(self) -> MetricCollection:
        return MetricCollection({"r2": R2Score(), "mae": MeanAbsoluteError()})


class Reconstruction(Task):
    """The sample itself: tanh output on samples scaled to [-1, 1], mean squared error."""

    metric = "mse"
    mode = "min"

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean squared error; both ``[B, size]``."""
        return F.mse_loss(outputs.tanh(), y)

    def predict(self, outputs: Tensor) -> Tensor:
        """Scaled to [-1, 1], ``[B, size]``."""
        return precise(outputs).tanh()

    def judged(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return self.predict(outputs), precise(y)

    def metrics(self) -> MetricCollection:
        return MetricCollection({"mse": MeanSquaredError(), "mae": MeanAbsoluteError()})


class TokenLoss(Metric):
    """Mean cross-entropy of next tokens over all that were seen.

    By its own sum: torchmetrics' Perplexity takes the logarithm of a softmax, which is infinite
    where a probability underflows, though the loss is not.
    """

    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.add_state("total", torch.tensor(0.0), dist_reduce_fx="sum")
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, outputs: Tensor, y: Tensor) -> None:
        self.total += F.cross_entropy(outputs.flatten(0, 1), y.flatten(), reduction="sum")
        self.count += y.numel()

    def nats(self) -> Tensor:
        return self.total / self.count


class BitsPerCharacter(TokenLoss):
    """In bits."""

    def compute(self) -> Tensor:
        return self.nats() / math.log(2)


class Perplexity(TokenLoss):
    """Its exponential: among how many equally likely tokens one might as well have guessed."""

    def compute(self) -> Tensor:
        return self.nats().exp()


class NextToken(Task):
    """The token after each: softmax output over the vocabulary, cross-entropy loss."""

    metric = "bits_per_character"
    mode = "min"

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Cross-entropy in nats; outputs ``[B, T, vocabulary]``, y ``[B, T]``."""
        return F.cross_entropy(outputs.flatten(0, 1), y.flatten().long())

    def predict(self, outputs: Tensor) -> Tensor:
        """Probabilities ``[B, T, vocabulary]``."""
        return precise(outputs).softmax(-1)

    def judged(self, outputs: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        return precise(outputs), y.long()

    def metrics(self) -> MetricCollection:
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


def build_task(target: Target, mean: Tensor | None = None, std: Tensor | None = None) -> Task:
    """The task that a target asks for; mean and std of targets that are numbers."""
    if target.kind == "numbers":
        return Regression(target.size, mean, std)
    return TASKS[target.kind](target.size)


def task_of(data: DataConfig) -> type[Task]:
    """The kind of task of a data set, for its metric and mode.

    Raises:
        UserError: there is no such data set, or its file is not as it should be.
    """
    return TASKS[load_source(data).target.kind]
