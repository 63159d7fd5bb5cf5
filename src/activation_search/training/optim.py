"""Optimizer and schedule from their settings."""

from typing import Any

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from activation_search.config.parts import OptimConfig
from activation_search.models.network import Network

# Those for which torch has a kernel that updates all weights in one call.
FUSED = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": torch.optim.SGD}
OTHERS = {"nadam": torch.optim.NAdam, "radam": torch.optim.RAdam, "rmsprop": torch.optim.RMSprop}


def parameter_groups(network: Network, config: OptimConfig) -> list[dict[str, Any]]:
    """Three groups: weights; biases and norms, not decayed; activations' own parameters, not
    decayed and with their own learning rate. Empty ones are left out."""
    own = list(network.activations.parameters())
    ids = {id(p) for p in own}
    rest = [p for p in network.parameters() if id(p) not in ids]
    groups = [
        ("weights", [p for p in rest if p.dim() > 1], config.weight_decay, 1.0),
        ("biases", [p for p in rest if p.dim() <= 1], 0.0, 1.0),
        ("activations", own, 0.0, config.activation_lr_factor),
    ]
    return [
        {"name": name, "params": params, "weight_decay": decay, "lr": config.lr * factor}
        for name, params, decay, factor in groups
        if params
    ]


def build_optimizer(
    groups: list[dict[str, Any]], config: OptimConfig, fused: bool
) -> torch.optim.Optimizer:
    """The named optimizer.

    Args:
        groups: of :func:`parameter_groups`.
        config: its settings.
        fused: one kernel for all weights, where the optimizer has it.
    """
    settings: dict[str, Any] = {"lr": config.lr}
    if config.optimizer in ("sgd", "rmsprop"):
        settings["momentum"] = config.momentum
    if config.optimizer in FUSED:
        return FUSED[config.optimizer](groups, fused=fused, **settings)
    return OTHERS[config.optimizer](groups, **settings)


def build_schedule(
    optimizer: torch.optim.Optimizer, config: OptimConfig, steps: int
) -> LRScheduler | None:
    """The schedule over ``steps`` optimizer steps; ``None`` for a constant rate."""
    if config.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if config.schedule == "one_cycle":
        peaks = [group["lr"] for group in optimizer.param_groups]
        # Momentum stays what the user set; torch would cycle it too.
        return OneCycleLR(optimizer, peaks, total_steps=steps, cycle_momentum=False)
    return None
