"""An optimizer of one's own: Lion, which steps by the sign of a momentum.

    python train.py optim.target=examples.lion.Lion optim.lr=3e-4

Chen et al., Symbolic Discovery of Optimization Algorithms, 2023.
"""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.optim import Optimizer


class Lion(Optimizer):
    """``w -= lr * (sign(b1 m + (1 - b1) g) + weight_decay w)``, then ``m = b2 m + (1 - b2) g``.

    Args:
        params: weights, or groups of them, which may state their own ``lr`` and ``weight_decay``.
        lr: learning rate; about a tenth of Adam's.
        betas: the two shares b1 and b2 of the momentum.
    """

    def __init__(
        self, params: Iterable[Any], lr: float, betas: tuple[float, float] = (0.9, 0.99)
    ) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Lightning computes loss and gradients in ``closure``."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            first, second = group["betas"]
            for weight in (p for p in group["params"] if p.grad is not None):
                momentum = self.state[weight].setdefault("momentum", torch.zeros_like(weight))
                direction = momentum.lerp(weight.grad, 1 - first).sign_()
                weight.mul_(1 - group["lr"] * group["weight_decay"])
                weight.sub_(direction, alpha=group["lr"])
                momentum.lerp_(weight.grad, 1 - second)
        return loss
