"""From a source's arrays to three standardised splits."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from activation_search.data.draw import draw_parts
from activation_search.data.encoding import InputColumn, fill, medians, with_medians
from activation_search.data.sample import Sample, Target
from activation_search.data.standardise import Rows, middle_and_half_range, moments, standardise
from activation_search.errors import UserError
from activation_search.seeds import derive

# Of sources that come in one part: the share that is the test part, and what draws it.
TEST_SHARE = 0.2
TEST_SEED = 0


@dataclass(frozen=True)
class Source:
    """A data set as it comes, its test part fixed once for all.

    x_train, x_test: ``[N, *sample.shape]``, float32 or float64 as they were read; images may be
        uint8, and stay so until a batch is drawn.
    y_train, y_test: see :class:`Target`; ``None`` where the target is the sample itself.
    x_validation, y_validation: where the source fixes that part too.
    origin: what was read, for the record: a hash, a version.
    columns: of a table, which ``x`` lie in; its missing numbers are NaN.
    groups: ``[N]`` of int, whose samples they are for training; a group stays in one part.
    stratify: classes have the same share of training and validation.
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
    columns: tuple[InputColumn, ...] = ()
    groups: np.ndarray | None = None
    stratify: bool = True

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
    y: see :class:`Target`; numbers are standardised. ``None`` for the standardised sample itself,
        flattened.
    rows: which of the M belong to the split, where several share their arrays; ``None`` for all.
    """

    x: Tensor
    y: Tensor | None
    rows: Tensor | None = None
    scale: tuple[Tensor, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.x if self.rows is None else self.rows)

    @property
    def targets(self) -> Tensor | None:
        """Those of its samples alone; ``None`` where they are the samples."""
        return self.y if self.y is None or self.rows is None else self.y[self.rows]

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

    validation: ``None`` where all training samples are used for training.
    mean, std: per channel, float64, shaped to broadcast over a batch; see
        :func:`activation_search.data.standardise.moments`. Where the target is the sample itself,
        the middle and half the range instead, which puts the training samples into [-1, 1].
    target_mean, target_std: ``[size]``, float64, of targets that are numbers; ``None`` for others.
    columns: of a table, with the medians that its missing numbers were filled by.
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
    columns: tuple[InputColumn, ...] = ()


def split(source: Source, validation: float, seed: int) -> Splits:
    """Takes ``validation`` (a share) out of the training samples, and standardises.

    The seed draws which samples are taken, with the same share of each class and whole groups; of
    text it is the end.

    Raises:
        UserError: the share leaves no sample for validation or for training, or targets that are
            numbers do not vary in some part, which leaves nothing to judge.
    """
    train, held_out = _rows(source, validation, seed)
    source = filled(source, train)
    x, y = torch.from_numpy(source.x_train), _tensor(source.y_train)
    mean, std = _statistics(source, x, train)
    target_mean = target_std = None
    if source.target.kind == "numbers":
        assert y is not None
        target_mean, target_std = moments(y, train, axis=1)

    def make(x: Tensor, y: Tensor | None, rows: Rows | None) -> Split:
        if y is not None and target_mean is not None and target_std is not None:
            y = standardise(y, target_mean, target_std)
        if x.dtype is torch.uint8 and source.sample.kind != "tokens":
            assert not isinstance(rows, slice)
            return Split(x, y, rows, scale=(mean.float(), std.float()))
        if rows is not None:
            x, y = x[rows], None if y is None else y[rows]
        return Split(x if source.sample.kind == "tokens" else standardise(x, mean, std), y)

    kept = make(x, y, held_out) if held_out is not None else None
    if source.x_validation is not None and validation:
        kept = make(torch.from_numpy(source.x_validation), _tensor(source.y_validation), None)
    trained = make(x, y, train)
    test = make(torch.from_numpy(source.x_test), _tensor(source.y_test), None)
    if source.target.kind == "numbers":
        for name, part in {"training": trained, "validation": kept, "test": test}.items():
            _check_varies(name, part)
    return Splits(
        train=trained,
        validation=kept,
        test=test,
        mean=mean,
        std=std,
        sample=source.sample,
        target=source.target,
        target_mean=target_mean,
        target_std=target_std,
        origin=source.origin,
        columns=source.columns,
    )


def filled(source: Source, train: Rows) -> Source:
    """A table without missing numbers: they are the medians of those of the training rows."""
    if not source.columns:
        return source
    by = medians(source.x_train[train])
    return replace(
        source,
        x_train=fill(source.x_train, by),
        x_test=fill(source.x_test, by),
        columns=with_medians(source.columns, by),
    )


def _check_varies(name: str, part: Split | None) -> None:
    """Whether the numbers to predict differ within a part; R2 is undefined otherwise."""
    if part is None:
        return
    if len(part) < 2:
        raise UserError(f"The {name} part has one sample; to judge numbers it needs two or more.")
    y = part.targets
    assert y is not None
    if (y == y[0]).all(0).any():
        raise UserError(
            f"The {name} part has the same target in each of its {len(part)} samples; there is "
            "nothing to predict."
        )


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
    classes = source.stratify and source.target.kind in ("classes", "binary")
    labels = source.y_train if classes else None
    train, kept = draw_parts(n, held_out, derive(seed, "split"), labels, source.groups)
    return torch.from_numpy(train), torch.from_numpy(kept) if held_out else None


def _tensor(array: np.ndarray | None) -> Tensor | None:
    return None if array is None else torch.from_numpy(array)


def _statistics(source: Source, x: Tensor, train: Rows) -> tuple[Tensor, Tensor]:
    """What to subtract from samples and to divide them by; see :class:`Splits`."""
    sample = source.sample
    if sample.kind == "tokens":
        return torch.zeros(1, 1), torch.ones(1, 1)
    if source.target.kind == "itself":
        found = middle_and_half_range(x, train, 1 + sample.channel_axis)
    elif x.dtype is torch.uint8:
        assert isinstance(train, Tensor)
        found = _moments_of_bytes(x, train)
    else:
        found = moments(x, train, 1 + sample.channel_axis)
    mean, std = (values.view(sample.statistics_shape) for values in found)
    return mean, std


def _moments_of_bytes(x: Tensor, rows: Tensor) -> tuple[Tensor, Tensor]:
    """:func:`moments` of images ``[N, C, H, W]`` by counting, without a copy of them."""
    values = torch.arange(256, dtype=torch.float64)
    counts = torch.zeros(x.shape[1], 256, dtype=torch.int64)
    for some in rows.split(1024):
        for count, channel in zip(counts, x[some].movedim(1, 0), strict=True):
            count += torch.bincount(channel.flatten(), minlength=256)
    shares = counts.double() / counts.sum(1, keepdim=True)
    mean = shares @ values
    std = (shares * (values - mean[:, None]) ** 2).sum(1).sqrt()
    return mean, torch.where(counts.count_nonzero(1) > 1, std, torch.inf)
