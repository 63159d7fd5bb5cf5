"""Batches indexed out of tensors that already lie on the model's device."""

from collections.abc import Callable, Iterator

import lightning.pytorch as pl
import torch
from torch import Tensor

from activation_search.data.splits import Split, Splits
from activation_search.seeds import derive

EVALUATION_BATCH = 1024


class Batches:
    """Iterates over one split; an epoch costs one permutation and one gather per batch.

    Args:
        split: the samples.
        size: samples per batch. A last batch of a single sample is left out, since batch
            normalisation cannot train on it; shuffling brings that sample in another epoch.
        order: gives the order of the samples for one epoch; none for their own order.
    """

    def __init__(self, split: Split, size: int, order: Callable[[], Tensor] | None = None):
        self.split = split
        self.size = size
        self.order = order

    def __len__(self) -> int:
        whole, rest = divmod(len(self.split), self.size)
        return whole + (rest > 0 if self.order is None else rest > 1) or 1

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        x, y = self.split.x, self.split.y
        if self.order is None:
            yield from zip(x.split(self.size), y.split(self.size), strict=True)
            return
        pieces = self.order().to(x.device).split(self.size)
        for index in pieces[: len(self)]:
            yield x[index], y[index]


class DataModule(pl.LightningDataModule):
    """The three splits as batches.

    Args:
        splits: the data.
        batch_size: of training.
        seed: of the batch order; epoch e is shuffled by a stream of its own, whatever came before.
        overfit_batches: train on this many batches only and validate on them; 0 for all. For
            debugging: a sound model must learn them by heart.
    """

    def __init__(self, splits: Splits, batch_size: int, seed: int, overfit_batches: int = 0):
        super().__init__()
        self.splits = splits
        self.batch_size = batch_size
        self.seed = seed
        self.train, self.validation = splits.train, splits.validation
        if overfit_batches:
            few = overfit_batches * batch_size
            self.train = Split(splits.train.x[:few], splits.train.y[:few])
            self.validation = self.train

    def _order(self) -> Tensor:
        assert self.trainer is not None
        seed = derive(self.seed, "order", self.trainer.current_epoch)
        return torch.randperm(len(self.train), generator=torch.Generator().manual_seed(seed))

    def _on_device(self, split: Split) -> Split:
        assert self.trainer is not None
        return split.to(self.trainer.strategy.root_device)

    def train_dataloader(self) -> Batches:
        return Batches(self._on_device(self.train), self.batch_size, self._order)

    def val_dataloader(self) -> Batches:
        assert self.validation is not None, "the trainer must skip validation"
        return Batches(self._on_device(self.validation), EVALUATION_BATCH)

    def test_dataloader(self) -> Batches:
        return Batches(self._on_device(self.splits.test), EVALUATION_BATCH)
