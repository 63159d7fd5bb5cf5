"""From a source's arrays to three standardised splits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from activation_search.data.sample import Sample, Target
from activation_search.errors import UserError
from activation_search.seeds import derive

# Of sources that come in one part: the share that is the test part, and what draws it.
TEST_SHARE = 0.2
TEST_SEED = 0


@dataclass(frozen=True)
class Source:
    """A data set as it comes, its test part fixed once for all.

    x_train, x_test: ``[N, *sample.shape]``, float32; images may be uint8, and stay so until a batch
        is drawn. y_train, y_test: see :class:`Target`; none where the target is the sample itself.
    x_validation, y_validation: where the source fixes that part too.
    origin: what was read, for the record: a hash, a version.
    """

    x_train: np.ndarray
    y_train: np.ndarray | None
    x_test: np.ndarray
    y_test: np.ndarray | None
    sample: Sample
    target: Target
    x_validation: np.ndarray | None = None
    y_validation: np.ndarray | None = None
    origin: Mapping[str, str] = field(default_factory=dict)

    def hash(self) -> str:
        """SHA-256 of all values, their types and shapes, as hexadecimal digits."""
        digest = sha256()
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray):
                digest.update(f"{name} {array.dtype} {array.shape}".encode())
                digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()

    def to_reconstruct(self) -> "Source":
        """The same samples, asked for themselves.

        Raises:
            UserError: samples that have no fixed number of values.
        """
        if self.sample.kind == "tokens" or self.sample.varies:
            raise UserError("data.reconstruct=true needs samples of one length, and of numbers.")
        itself = Target("itself", self.sample.size)
        return replace(self, y_train=None, y_test=None, y_validation=None, target=itself)


@dataclass(frozen=True)
class Split:
    """Some samples and their targets.

    x: ``[M, *sample.shape]``, standardised; or as stored, with ``scale`` to standardise a batch by.
    y: see :class:`Target`; none for the standardised sample itself, flattened.
    rows: which of the M belong to the split, where several share their arrays; none for all.
    """

    x: Tensor
    y: Tensor | None
    rows: Tensor | None = None
    scale: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.x if self.rows is None else self.rows)

    def batch(self, index: Tensor | slice) -> tuple[Tensor, Tensor]:
        """Samples, standardised, and targets at places of the split."""
        if self.rows is not None:
            index = self.rows[index]
        x = self.x[index]
        if self.scale is not None:
            mean, std = self.scale
            x = (x - mean).div_(std)
        return x, x.flatten(1) if self.y is None else self.y[index]

    def first(self, count: int) -> "Split":
        """The first samples alone."""
        if self.rows is not None:
            return replace(self, rows=self.rows[:count])
        return replace(self, x=self.x[:count], y=None if self.y is None else self.y[:count])

    def to(self, device: torch.device) -> "Split":
        return Split(
            self.x.to(device),
            None if self.y is None else self.y.to(device),
            None if self.rows is None else self.rows.to(device),
            None if self.scale is None else (self.scale[0].to(device), self.scale[1].to(device)),
        )

    @property
    def tensors(self) -> list[Tensor]:
        """All that it keeps in memory."""
        return [t for t in (self.x, self.y, self.rows) if t is not None]


@dataclass(frozen=True)
class Splits:
    """Training, validation and test, standardised by the training split's statistics.

    validation: none where all training samples are used for training.
    mean, std: per channel, shaped to broadcast over a batch. Where the target is the sample itself,
        the middle and half the range instead, which puts the training samples into [-1, 1].
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
    origin: Mapping[str, str] = field(default_factory=dict)


def split(source: Source, validation: float, seed: int) -> Splits:
    """Takes ``validation`` (a share) out of the training samples: by the seed, or of text the end.

    Raises:
        UserError: the share leaves no sample for validation or for training, or numbers are asked
            and a part has one sample, whose variance is nothing.
    """
    train, held_out = _rows(source, validation, seed)
    x, y = torch.from_numpy(source.x_train), _tensor(source.y_train)
    mean, std = _statistics(source, x, train)
    target_mean = target_std = None
    if source.target.kind == "numbers":
        assert y is not None
        target_mean = y[train].mean(0)
        target_std = y[train].std(0, correction=0).clamp(min=1e-6)

    def make(x: Tensor, y: Tensor | None, rows: Tensor | slice | None) -> Split:
        if target_mean is not None and target_std is not None and y is not None:
            y = (y - target_mean) / target_std
        if x.dtype is torch.uint8 and source.sample.kind != "tokens":
            assert not isinstance(rows, slice)
            return Split(x, y, rows, scale=(mean, std))
        if rows is not None:
            x, y = x[rows], None if y is None else y[rows]
        return Split(x if source.sample.kind == "tokens" else (x - mean) / std, y)

    kept = make(x, y, held_out) if held_out is not None else None
    if source.x_validation is not None and validation:
        kept = make(torch.from_numpy(source.x_validation), _tensor(source.y_validation), None)
    test = make(torch.from_numpy(source.x_test), _tensor(source.y_test), None)
    for name, part in {"validation": kept, "test": test}.items():
        if source.target.kind == "numbers" and part is not None and len(part) < 2:
            raise UserError(
                f"The {name} part has one sample; to judge numbers it needs two or more."
            )
    return Splits(
        train=make(x, y, train),
        validation=kept,
        test=test,
        mean=mean,
        std=std,
        sample=source.sample,
        target=source.target,
        target_mean=target_mean,
        target_std=target_std,
        origin=source.origin,
    )


Rows = Tensor | slice


def _rows(source: Source, validation: float, seed: int) -> tuple[Rows, Rows | None]:
    """Training samples for training, and for validation if there are any."""
    n = len(source.x_train)
    held_out = 0 if source.x_validation is not None else round(validation * n)
    if source.x_validation is None and validation and not 0 < held_out < n:
        raise UserError(
            f"data.validation={validation:g} of {n} samples leaves a split empty; "
            "choose more, or 0 for no validation."
        )
    if source.sample.kind == "tokens":  # neighbouring pieces of text resemble each other
        return slice(0, n - held_out), slice(n - held_out, n) if held_out else None
    generator = torch.Generator().manual_seed(derive(seed, "split"))
    order = torch.randperm(n, generator=generator)
    return order[held_out:], order[:held_out] if held_out else None


def _tensor(array: np.ndarray | None) -> Tensor | None:
    return None if array is None else torch.from_numpy(array)


def _statistics(source: Source, x: Tensor, train: Rows) -> tuple[Tensor, Tensor]:
    """What to subtract from samples and to divide them by; see :class:`Splits`."""
    sample = source.sample
    if sample.kind == "tokens":
        return torch.zeros(1, 1), torch.ones(1, 1)
    over = [axis for axis in range(x.dim()) if axis != 1 + sample.channel_axis]
    if source.target.kind == "itself":
        low, high = x[train].amin(over, keepdim=True), x[train].amax(over, keepdim=True)
        low, high = low.float(), high.float()
        return (low + high) / 2, ((high - low) / 2).clamp(min=1e-6)
    if x.dtype is torch.uint8:
        assert isinstance(train, Tensor)
        mean, std = _moments_of_bytes(x, train)
        return mean.view(sample.statistics_shape), std.view(sample.statistics_shape)
    if sample.varies:
        mean = x[train].nanmean(over, keepdim=True)
        std = (x[train] - mean).square().nanmean(over, keepdim=True).sqrt()
    else:
        mean = x[train].mean(over, keepdim=True)
        std = x[train].std(over, correction=0, keepdim=True)
    # A constant channel stays constant instead of becoming a division by zero.
    return mean, std.clamp(min=1e-6)


def _moments_of_bytes(x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each channel of images ``[N, C, H, W]``, exactly, without a
    copy of them."""
    values = torch.arange(256, dtype=torch.float64)
    counts = torch.zeros(x.shape[1], 256, dtype=torch.int64)
    for some in rows.split(1024):
        for count, channel in zip(counts, x[some].movedim(1, 0), strict=True):
            count += torch.bincount(channel.flatten(), minlength=256)
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    std = (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()
    return mean.float(), std.clamp(min=1e-6).float()
