"""From a source's arrays to three standardised splits."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from activation_search.data.sample import Sample, Target
from activation_search.errors import UserError
from activation_search.seeds import derive


@dataclass(frozen=True)
class Source:
    """A data set as it comes, its test part fixed once for all.

    x_train, x_test: ``[N, *sample.shape]`` float32. y_train, y_test: see :class:`Target`.
    """

    x_train: np.ndarray
    y_train: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    sample: Sample
    target: Target


@dataclass(frozen=True)
class Split:
    """Inputs ``[N, *sample.shape]`` and targets, see :class:`Target`."""

    x: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.x)

    def to(self, device: torch.device) -> "Split":
        return Split(self.x.to(device), self.y.to(device))


@dataclass(frozen=True)
class Splits:
    """Training, validation and test, standardised by the training split's statistics.

    validation: none where all training samples are used for training.
    mean, std: per channel, shaped to broadcast over a batch.
    target_mean, target_std: ``[size]``, of targets that are numbers; none for others.
    """

    train: Split
    validation: Split | None
    test: Split
    mean: Tensor
    std: Tensor
    sample: Sample
    target: Target
    target_mean: Tensor | None = None
    target_std: Tensor | None = None


def split(source: Source, validation: float, seed: int) -> Splits:
    """Takes ``validation`` (a share) out of the training samples, by the seed.

    Raises:
        UserError: the share leaves no sample for validation or for training.
    """
    n = len(source.x_train)
    held_out = round(validation * n)
    if validation and not 0 < held_out < n:
        raise UserError(
            f"data.validation={validation:g} of {n} samples leaves a split empty; "
            "choose more, or 0 for no validation."
        )
    generator = torch.Generator().manual_seed(derive(seed, "split"))
    order = torch.randperm(n, generator=generator)
    x, y = torch.from_numpy(source.x_train), torch.from_numpy(source.y_train)
    train = order[held_out:]
    over = [axis for axis in range(x.dim()) if axis != 1 + source.sample.channel_axis]
    mean = x[train].mean(over, keepdim=True)
    # A constant channel stays constant instead of becoming a division by zero.
    std = x[train].std(over, correction=0, keepdim=True).clamp(min=1e-6)
    x = (x - mean) / std
    x_test = (torch.from_numpy(source.x_test) - mean) / std
    y_test = torch.from_numpy(source.y_test)
    target_mean = target_std = None
    if source.target.kind == "numbers":
        target_mean = y[train].mean(0)
        target_std = y[train].std(0, correction=0).clamp(min=1e-6)
        y, y_test = (y - target_mean) / target_std, (y_test - target_mean) / target_std
    kept = order[:held_out]
    return Splits(
        train=Split(x[train], y[train]),
        validation=Split(x[kept], y[kept]) if held_out else None,
        test=Split(x_test, y_test),
        mean=mean,
        std=std,
        sample=source.sample,
        target=source.target,
        target_mean=target_mean,
        target_std=target_std,
    )
