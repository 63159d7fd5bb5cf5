"""Metrics of our own, where torchmetrics 1.9 is wrong at the edges; all exact to float64.

Each class says what was measured of the one that it replaces.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import MulticlassConfusionMatrix
from torchmetrics.utilities import dim_zero_cat

from activation_search.training.precision import widest


class FromConfusion(MulticlassConfusionMatrix):
    """A metric that the confusion matrix gives, which the metrics of one run count once for all.

    Args:
        classes: their number.
    """

    confmat: Tensor

    def __init__(self, classes: int):
        super().__init__(classes, validate_args=False)


class Accuracy(FromConfusion):
    """Share of samples that are predicted right."""

    def compute(self) -> Tensor:
        return self.confmat.diagonal().sum() / self.confmat.sum()


class MacroF1(FromConfusion):
    """Macro F1: unweighted mean of 2 TP / (predicted + actual) over the classes present."""

    def compute(self) -> Tensor:
        occurs = self.confmat.sum(0) + self.confmat.sum(1)
        scores = 2 * self.confmat.diagonal() / occurs
        return scores[occurs > 0].mean()


class BinaryAccuracy(Accuracy):
    """Share of samples that are predicted right, from logits ``[B]`` and classes ``[B]``.

    torchmetrics' takes logits that all lie in [0, 1] for probabilities.
    """

    def __init__(self) -> None:
        super().__init__(2)

    def update(self, logits: Tensor, y: Tensor) -> None:
        super().update((logits > 0).long(), y)


class AUROC(Metric):
    """Area under the ROC curve, from logits ``[B]`` and classes ``[B]``: the share of pairs of the
    two classes that the logits put into the right order, ties counting half.

    NaN where all samples are of one class, for which torchmetrics' gives 0. That one also takes the
    sigmoid first, which rounds logits above 17 to one and the same probability.
    """

    full_state_update = False
    logits: list[Tensor]
    classes: list[Tensor]

    def __init__(self) -> None:
        super().__init__()
        self.add_state("logits", [], dist_reduce_fx="cat")
        self.add_state("classes", [], dist_reduce_fx="cat")

    def update(self, logits: Tensor, y: Tensor) -> None:
        self.logits.append(logits)
        self.classes.append(y)

    def compute(self) -> Tensor:
        logits, positive = dim_zero_cat(self.logits), dim_zero_cat(self.classes) == 1
        _, place, ties = logits.unique(return_inverse=True, return_counts=True)
        # Before anything is divided: torch divides whole numbers in float32.
        exact = widest(logits.device)
        last_rank, ties = ties.cumsum(0).to(exact), ties.to(exact)
        ranks = last_rank - (ties - 1) / 2
        yes, no = positive.sum().to(exact), (~positive).sum().to(exact)
        above = ranks[place][positive].sum() - yes * (yes + 1) / 2
        return above / (yes * no)  # 0 / 0 is NaN


class R2(Metric):
    """Coefficient of determination, mean over outputs: 1 - squared error / squares about the mean.

    From outputs and targets ``[B, size]``. NaN where a target does not vary. torchmetrics'
    subtracts sums of squares in float32 and takes a total below 1e-4 for perfect: targets of
    pure noise with a standard deviation of 5e-4 scored 1.0 in place of -0.05.

    Args:
        size: how many numbers.
    """

    full_state_update = False
    first: Tensor
    count: Tensor
    total: Tensor
    squares: Tensor
    errors: Tensor

    def __init__(self, size: int):
        super().__init__()
        zeros = torch.zeros(size, dtype=torch.float64)
        self.add_state("count", torch.tensor(0), dist_reduce_fx="sum")
        for name in ("first", "total", "squares", "errors"):
            self.add_state(name, zeros.clone(), dist_reduce_fx="sum")

    def update(self, outputs: Tensor, y: Tensor) -> None:
        y, outputs = y.to(self.total.dtype), outputs.to(self.total.dtype)
        # Sums of differences from one of the values, since squares about zero cancel.
        self.first = torch.where(self.count > 0, self.first, y[0])
        distance = y - self.first
        self.count += len(y)
        self.total += distance.sum(0)
        self.squares += distance.square().sum(0)
        self.errors += (outputs - y).square().sum(0)

    def compute(self) -> Tensor:
        about_mean = self.squares - self.total.square() / self.count
        return torch.where(about_mean > 0, 1 - self.errors / about_mean, torch.nan).mean()


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
        self.add_state("total", torch.tensor(0.0, dtype=torch.float64), dist_reduce_fx="sum")
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
    """Perplexity: exp of the mean loss in nats."""

    def compute(self) -> Tensor:
        return self.nats().exp()
