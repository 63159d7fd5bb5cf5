"""Weights of classes in the loss, where some have many more samples than others."""

from typing import Any

import torch
from torch import Tensor

from activation_search.config.data import BALANCED
from activation_search.data.sample import Target
from activation_search.data.splits import Split
from activation_search.errors import UserError


def class_weights(given: Any, target: Target, train: Split) -> Tensor | None:
    """What each class counts in the loss, scaled so that a training sample counts 1 on average: the
    learning rate keeps its meaning.

    Args:
        given: ``data.class_weights``: ``None``, ``"balanced"``, or a number per class, in the order
            of their numbers.
        target: of the data.
        train: the training part, whose classes are counted.

    Returns:
        ``[classes]`` of float64; ``None`` where none are given. Balanced weights are n / (k * n_c);
        of a class without training samples, that of a class with one.

    Raises:
        UserError: the data ask for no classes, or for more or fewer of them.

    Example:
        class_weights("balanced", target, train)  # of 90 and 10 samples: [0.556, 5.0]
    """
    if given is None:
        return None
    if target.kind not in ("classes", "binary"):
        raise UserError("data.class_weights weigh classes, and these data ask for none.")
    size = 2 if target.kind == "binary" else target.size
    y = train.targets
    assert y is not None
    counts = torch.bincount(y, minlength=size).double()
    if given == BALANCED:
        weights = 1 / counts.clamp(min=1)
    elif len(given) == size:
        weights = torch.tensor(given, dtype=torch.float64)
    else:
        names = f" ({', '.join(target.names)})" if target.names else ""
        raise UserError(
            f"data.class_weights lists {len(given)} numbers, and there are {size} classes{names}."
        )
    return weights * counts.sum() / (weights * counts).sum()
