"""Optimizer and schedule from their settings."""

from typing import Any

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LRScheduler, OneCycleLR

from activation_search.config.optim import OptimConfig
from activation_search.errors import UserError
from activation_search.models.network import Network
from activation_search.user_code import call_own, own_callable, takes

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
    """The named optimizer, or the user's own.

    Args:
        groups: of :func:`parameter_groups`.
        config: its settings.
        fused: one kernel for all weights, where the optimizer has it.

    Raises:
        UserError: the user's own fails, or is no optimizer.
    """
    if config.target:
        return _own_optimizer(groups, config.target, config)
    settings: dict[str, Any] = {"lr": config.lr}
    if config.optimizer in ("sgd", "rmsprop"):
        settings["momentum"] = config.momentum
    if config.betas:
        settings["betas"] = tuple(config.betas)
    if config.eps:
        settings["eps"] = config.eps
    if config.nesterov:
        settings["nesterov"] = True
    if config.optimizer in FUSED:
        return FUSED[config.optimizer](groups, fused=fused, **settings)
    return OTHERS[config.optimizer](groups, **settings)


def _own_optimizer(
    groups: list[dict[str, Any]], path: str, config: OptimConfig
) -> torch.optim.Optimizer:
    key = "optim.target"
    rate = {"lr": config.lr} if takes(own_callable(key, path), "lr") else {}
    optimizer = call_own(key, path, groups, **rate, **config.args)
    if not isinstance(optimizer, torch.optim.Optimizer):
        raise UserError(
            f"{key}={path} must give a torch.optim.Optimizer, not a {type(optimizer).__name__}."
        )
    return optimizer


def build_schedule(
    optimizer: torch.optim.Optimizer, config: OptimConfig, steps: int
) -> LRScheduler | None:
    """The schedule over ``steps`` optimizer steps; ``None`` for a constant rate.

    Raises:
        UserError: the user's own fails, or is no schedule.
    """
    if config.schedule_target:
        return _own_schedule(optimizer, config.schedule_target, config.schedule_args, steps)
    if config.schedule == "cosine":
        return CosineAnnealingLR(optimizer, T_max=steps)
    if config.schedule == "one_cycle" and steps > 1:  # a single step would be its first, near 0
        peaks = [group["lr"] for group in optimizer.param_groups]
        # Momentum stays what the user set; torch would cycle it too.
        return OneCycleLR(optimizer, peaks, total_steps=steps, cycle_momentum=False)
    return None


# What schedules call the number of steps: torch's, Hugging Face's.
STEPS = ("total_steps", "num_training_steps", "T_max")


def _own_schedule(
    optimizer: torch.optim.Optimizer, path: str, given: dict[str, Any], steps: int
) -> LRScheduler:
    key = "optim.schedule_target"
    target = own_callable(key, path)
    filled = {name: steps for name in STEPS if takes(target, name) and name not in given}
    schedule = call_own(key, path, optimizer, **filled, **given)
    if not isinstance(schedule, LRScheduler):
        raise UserError(
            f"{key}={path} must give a schedule of torch.optim.lr_scheduler, not a "
            f"{type(schedule).__name__}."
        )
    return schedule


def check_own_optimizer(config: OptimConfig) -> None:
    """Builds an optimizer and a schedule of the user's own once, on a small layer.

    Raises:
        UserError: they cannot be built.
    """
    if not config.own():
        return
    layer = torch.nn.Linear(2, 2)
    groups = [
        {"name": name, "params": [weights], "weight_decay": config.weight_decay, "lr": config.lr}
        for name, weights in (("weights", layer.weight), ("biases", layer.bias))
    ]
    build_schedule(build_optimizer(groups, config, fused=False), config, steps=100)
