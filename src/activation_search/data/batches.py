"""Batches indexed out of tensors that already lie on the model's device."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import lightning.pytorch as pl
import torch
from torch import Tensor

from activation_search.data.augment import augment
from activation_search.data.splits import Split, Splits
from activation_search.seeds import derive

# Samples per batch where no gradient is kept: so many, or fewer where each has many outputs.
EVALUATION_BATCH = 1024
EVALUATION_OUTPUTS = 10_000_000


class Batches:
    """Iterates over one split; an epoch costs one permutation and one gather per batch.

    Args:
        split: the samples.
        size: samples per batch. A last batch of a single sample is left out, since batch
            normalisation cannot train on it; shuffling brings that sample in another epoch.
        order: gives the order of the samples for one epoch; ``None`` for their own order.
        change: gives what changes the samples of a batch in one epoch; ``None`` leaves them.
    """

    def __init__(
        self,
        split: Split,
        size: int,
        order: Callable[[], Tensor] | None = None,
        change: Callable[[], Callable[[Tensor], Tensor]] | None = None,
    ):
        self.split = split
        self.size = size
        self.order = order
        self.change = change

    def __len__(self) -> int:
        whole, rest = divmod(len(self.split), self.size)
        return whole + (rest > 0 if self.order is None else rest > 1) or 1

    def samples(self, index: int) -> int:
        """Number of samples in one of the batches."""
        return min(self.size, len(self.split) - index * self.size)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        if self.order is None:
            for start in range(0, len(self.split), self.size):
                yield self.split.batch(slice(start, start + self.size))
            return
        change = self.change() if self.change else None
        pieces = self.order().to(self.split.x.device).split(self.size)
        for index in pieces[: len(self)]:
            x, y = self.split.batch(index)
            yield change(x) if change else x, y


class DataModule(pl.LightningDataModule):
    """The three splits as batches.

    Args:
        splits: the data.
        batch_size: of training.
        seed: of the batch order; epoch e is shuffled by a stream of its own, whatever came before.
        overfit_batches: train on this many batches only and validate on them; 0 for all. For
            debugging: a sound model must learn them by heart.
        augment: of training images, see :class:`activation_search.config.data.DataConfig`.
    """

    def __init__(
        self,
        splits: Splits,
        batch_size: int,
        seed: int,
        overfit_batches: int = 0,
        augment: str = "none",
    ):
        super().__init__()
        self.splits = splits
        self.batch_size = batch_size
        self.seed = seed
        self.train, self.validation = splits.train, splits.validation
        if overfit_batches:
            self.train = splits.train.first(overfit_batches * batch_size)
            self.validation = self.train
        self.augment = augment
        self._shared: Tensor | None = None

    def _generator(self, purpose: str) -> torch.Generator:
        assert self.trainer is not None
        seed = derive(self.seed, purpose, self.trainer.current_epoch)
        return torch.Generator().manual_seed(seed)

    def _order(self) -> Tensor:
        return torch.randperm(len(self.train), generator=self._generator("order"))

    def _change(self) -> Callable[[Tensor], Tensor]:
        return partial(augment, how=self.augment, generator=self._generator("augment"))

    @property
    def evaluation_batch(self) -> int:
        """Samples per batch of evaluation."""
        target = self.splits.target
        places = self.splits.sample.shape[0] if target.kind == "next" else 1
        return max(1, min(EVALUATION_BATCH, EVALUATION_OUTPUTS // (places * target.size)))

    def _on_device(self, split: Split) -> Split:
        assert self.trainer is not None
        device = self.trainer.strategy.root_device
        if split.rows is None:
            return split.to(device)
        if self._shared is None:  # training and validation share their images
            self._shared = split.x.to(device)
        return replace(split, x=self._shared).to(device)

    def train_dataloader(self) -> Batches:
        change = None if self.augment == "none" else self._change
        return Batches(self._on_device(self.train), self.batch_size, self._order, change)

    def val_dataloader(self) -> Batches:
        assert self.validation is not None, "the trainer must skip validation"
        return Batches(self._on_device(self.validation), self.evaluation_batch)

    def test_dataloader(self) -> Batches:
        return Batches(self._on_device(self.splits.test), self.evaluation_batch)
