"""Activation functions that draw noise while training, and none in evaluation."""

import torch
import torch.nn.functional as F
from torch import Tensor

from activation_search.activations.element import Element
from activation_search.activations.learnable import Learnable


class RReLU(Element):
    """Leaky ReLU of random slope while training; of the mean slope in evaluation."""

    def __init__(self, lower: float, upper: float):
        super().__init__()
        self.lower = lower
        self.upper = upper

    def compute(self, x: Tensor) -> Tensor:
        return F.rrelu(x, self.lower, self.upper, self.training)

    def extra_repr(self) -> str:
        return f"lower={self.lower}, upper={self.upper}"


class ProbAct(Learnable):
    """ReLU plus Gaussian noise of learned scale while training; ReLU in evaluation."""

    def __init__(self, sigma: float, **kwargs):
        super().__init__(**kwargs)
        self.sigma = self.start(sigma)

    def compute(self, x: Tensor) -> Tensor:
        if not self.training:
            return F.relu(x)
        return F.relu(x) + self.along(self.sigma, x) * torch.randn_like(x)
