"""What the output means: its width, loss, output function and metrics.

An activation is never put on the output; the task owns it. Classification takes logits in its
loss, which is stabler than the logarithm of a softmax, and gives probabilities as predictions.
"""

import torch.nn.functional as F
from torch import Tensor
from torchmetrics import MetricCollection
from torchmetrics.classification import MulticlassAccuracy


class Classification:
    """One of several classes: softmax output, cross-entropy loss.

    Args:
        classes: their number, the width of the output layer.
    """

    metric = "accuracy"  # what a run is judged by, and in which direction
    mode = "max"

    def __init__(self, classes: int):
        self.outputs = classes

    def loss(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Mean cross-entropy in nats; outputs ``[B, classes]``, y ``[B]`` class numbers."""
        return F.cross_entropy(outputs, y)

    def predict(self, outputs: Tensor) -> Tensor:
        """Class probabilities ``[B, classes]``."""
        return outputs.float().softmax(-1)

    def score(self, outputs: Tensor, y: Tensor) -> float:
        """The metric of one batch."""
        return (outputs.argmax(-1) == y).float().mean().item()

    def metrics(self) -> MetricCollection:
        """Fresh metrics over raw outputs and targets."""
        accuracy = MulticlassAccuracy(self.outputs, average="micro", validate_args=False)
        return MetricCollection({"accuracy": accuracy})
