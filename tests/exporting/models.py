"""Untrained models of every kind, on data with a scale of its own."""

import torch

from activation_search.config.compose import compose
from activation_search.data.sample import Sample, Target
from activation_search.training.module import ActivationModule, to_hyperparameters

SERIES, IMAGE = Sample("series", (12, 2)), Sample("image", (1, 8, 8))
VARYING = Sample("series", (12, 2), varies=True)
TOKENS = Sample("tokens", (12,), vocabulary=9)
CLASSES, NUMBERS = Target("classes", 5), Target("numbers", 2)


def model(sample: Sample, target: Target, *overrides: str) -> ActivationModule:
    """In evaluation mode; samples have mean 20 and spread 3, targets 1,000 and 50."""
    torch.manual_seed(0)
    ones = torch.ones(sample.statistics_shape, dtype=torch.float64)
    scale = {} if sample.kind == "tokens" else {"mean": 20 * ones, "std": 3 * ones}
    if target.kind == "numbers":
        size = torch.ones(target.size, dtype=torch.float64)
        scale |= {"target_mean": 1000 * size, "target_std": 50 * size}
    plain = to_hyperparameters(compose(["data=digits", *overrides]), sample, target)
    module = ActivationModule(**plain, **scale)
    for buffer in module.network.buffers():  # statistics of a norm, as training leaves them
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    return module.eval()
