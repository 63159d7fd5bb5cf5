"""Batches: every sample once an epoch, reproducible, the same for every activation."""

from types import SimpleNamespace

import pytest
import torch

from activation_search.data.batches import Batches, DataModule
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Split, Splits


def numbered(n: int) -> Split:
    return Split(torch.arange(n)[:, None].float(), torch.arange(n))


def module(n: int = 10, seed: int = 0, overfit_batches: int = 0, epoch: int = 0) -> DataModule:
    one = torch.ones(1, 1)
    sample = Sample("series", (1, 1))
    splits = Splits(numbered(n), numbered(4), numbered(6), one, one, sample, Target("classes", 2))
    data = DataModule(splits, batch_size=3, seed=seed, overfit_batches=overfit_batches)
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    data.trainer = SimpleNamespace(current_epoch=epoch, strategy=strategy)  # type: ignore[assignment]
    return data


def order(data: DataModule) -> list[int]:
    return [int(v) for _, y in data.train_dataloader() for v in y]


@pytest.mark.parametrize(("n", "sizes"), [(9, [3, 3, 3]), (8, [3, 3, 2]), (7, [3, 3]), (2, [2])])
def test_sizes_of_shuffled_batches(n: int, sizes: list[int]) -> None:
    """A last batch of one is left out: batch normalisation cannot train on it."""
    batches = Batches(numbered(n), 3, order=lambda: torch.randperm(n))
    assert [len(y) for _, y in batches] == sizes
    assert len(batches) == len(sizes)


def test_evaluation_sees_every_sample_in_order() -> None:
    batches = Batches(numbered(7), 3)
    assert [y.tolist() for _, y in batches] == [[0, 1, 2], [3, 4, 5], [6]]
    assert len(batches) == 3


def test_inputs_follow_their_targets() -> None:
    for x, y in module().train_dataloader():
        assert x[:, 0].tolist() == y.tolist()


def test_an_epoch_is_a_permutation_of_its_own() -> None:
    first, second = order(module(9, epoch=0)), order(module(9, epoch=1))
    assert sorted(first) == sorted(second) == list(range(9))
    assert first != second
    assert first == order(module(9, epoch=0))
    assert first != order(module(9, seed=1))


def test_global_generator_has_no_say() -> None:
    torch.manual_seed(0)
    first = order(module())
    torch.manual_seed(1)
    assert order(module()) == first


def test_overfitting_trains_and_validates_on_a_few_batches() -> None:
    data = module(overfit_batches=2)
    assert sorted(order(data)) == [0, 1, 2, 3, 4, 5]
    [(_, y)] = data.val_dataloader()
    assert y.tolist() == [0, 1, 2, 3, 4, 5]
