"""Augmentation: a batch at once, each image on its own, the same on every device."""

import pytest
import torch

from activation_search.config.data import DataConfig
from activation_search.data.augment import augment
from activation_search.data.batches import DataModule
from activation_search.data.registry import load_splits
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Split, Splits
from activation_search.errors import UserError


def seeded() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def shift(image: torch.Tensor, down: int, right: int) -> torch.Tensor:
    """The image seen through a window that moved, zeros outside; element by element."""
    moved = torch.zeros_like(image)
    _, height, width = image.shape
    for y in range(height):
        for x in range(width):
            if 0 <= y + down < height and 0 <= x + right < width:
                moved[:, y, x] = image[:, y + down, x + right]
    return moved


@pytest.mark.parametrize("how", ["crop", "flip_crop"])
def test_each_image_is_one_of_the_allowed_ones(how: str) -> None:
    x = torch.randn(40, 2, 8, 10) + 3
    changed = augment(x, how, seeded())
    seen = set()
    for image, new in zip(x, changed, strict=True):
        allowed = {
            (down, right, flip): shift(image.flip(-1) if flip else image, down, right)
            for down in (-1, 0, 1)
            for right in (-1, 0, 1)
            for flip in ((False, True) if how == "flip_crop" else (False,))
        }
        [found] = [key for key, candidate in allowed.items() if torch.equal(candidate, new)]
        seen.add(found)
    assert len(seen) > 5
    assert torch.equal(changed, augment(x, how, seeded()))


def test_epochs_change_images_differently_and_evaluation_does_not() -> None:
    x = torch.randn(9, 1, 8, 8)
    split = Split(x, torch.arange(9))
    one = torch.ones(1, 1, 1, 1)
    splits = Splits(split, split, split, one, one, Sample("image", (1, 8, 8)), Target("classes", 9))
    data = DataModule(splits, batch_size=3, seed=0, augment="crop")

    def epoch(number: int) -> torch.Tensor:
        class Trainer:
            current_epoch = number

            class strategy:
                root_device = torch.device("cpu")

        data.trainer = Trainer()  # type: ignore[assignment]
        batches = list(data.train_dataloader())
        order = torch.cat([y for _, y in batches]).argsort()
        return torch.cat([x for x, _ in batches])[order]

    assert torch.equal(epoch(0), epoch(0))
    assert not torch.equal(epoch(0), epoch(1))
    assert not torch.equal(epoch(0), x)
    assert torch.equal(torch.cat([x for x, _ in data.val_dataloader()]), x)


def test_only_images_can_be_changed() -> None:
    with pytest.raises(
        UserError, match=r"data.augment=crop is for images; data=xor has samples of"
    ):
        load_splits(DataConfig("xor", 64, 0.2, augment="crop"), seed=0)
