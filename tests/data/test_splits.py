"""Three splits by the seed, standardised by the training split alone."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Source, Splits, split
from activation_search.errors import UserError
from activation_search.training.precision import Scale


def source(n: int = 50) -> Source:
    """Two channels of different scale, a third that is constant."""
    generator = np.random.default_rng(0)
    x = generator.normal(size=(n + 10, 4, 3)).astype(np.float32)
    x = x * np.array([1, 10, 0], np.float32) + np.array([0, 5, 7], np.float32)
    y = np.arange(n + 10)
    return Source(x[:n], y[:n], x[n:], y[n:], Sample("series", (4, 3)), Target("classes", n + 10))


def labels(splits: Splits) -> tuple[list[int], list[int]]:
    assert splits.validation is not None
    return splits.train.y.tolist(), splits.validation.y.tolist()


def test_every_training_sample_is_in_one_split() -> None:
    train, validation = labels(split(source(), 0.2, seed=0))
    assert len(validation) == 10
    assert sorted(train + validation) == list(range(50))


def test_the_seed_decides() -> None:
    assert labels(split(source(), 0.2, seed=0)) == labels(split(source(), 0.2, seed=0))
    assert labels(split(source(), 0.2, seed=0)) != labels(split(source(), 0.2, seed=1))


def test_the_test_split_is_the_same_for_every_seed() -> None:
    for seed in (0, 1):
        assert split(source(), 0.2, seed).test.y.tolist() == list(range(50, 60))


def test_standardised_by_the_training_split_only() -> None:
    given = source()
    splits = split(given, 0.2, seed=0)
    assert splits.train.x.mean((0, 1)).tolist() == pytest.approx([0, 0, 0], abs=1e-5)
    assert splits.train.x.std((0, 1), correction=0).tolist() == pytest.approx([1, 1, 0], abs=1e-5)
    train = given.x_train[splits.train.y.numpy()]
    mean, std = train.mean((0, 1)), train.std((0, 1))
    assert splits.mean.flatten().tolist() == pytest.approx(mean, rel=1e-5)
    expected = (given.x_test[..., :2] - mean[:2]) / std[:2]
    np.testing.assert_allclose(splits.test.x[..., :2], expected, rtol=1e-4, atol=1e-5)
    assert splits.test.x.isfinite().all()


@pytest.mark.parametrize("seed", range(5))
def test_every_class_has_its_share_of_the_validation_part(seed: int) -> None:
    y = np.repeat([0, 1, 2], [80, 15, 5])
    x = np.zeros((100, 2), np.float32)
    given = Source(x, y, x, y, Sample("vector", (2,)), Target("classes", 3))
    splits = split(given, 0.2, seed)
    assert splits.validation is not None
    assert np.bincount(splits.validation.y).tolist() == [16, 3, 1]
    assert np.bincount(splits.train.y).tolist() == [64, 12, 4]


def test_without_validation_all_samples_train() -> None:
    splits = split(source(), 0.0, seed=0)
    assert splits.validation is None
    assert sorted(splits.train.y.tolist()) == list(range(50))


def test_channel_axis_of_an_image() -> None:
    x = torch.randn(20, 2, 3, 3).numpy()
    y = np.zeros(20, np.int64)
    splits = split(
        Source(x, y, x, y, Sample("image", (2, 3, 3)), Target("classes", 1)), 0.1, seed=0
    )
    assert splits.mean.shape == (1, 2, 1, 1)


def test_a_share_that_leaves_a_split_empty() -> None:
    with pytest.raises(
        UserError, match=r"data.validation=0.001 of 50 samples leaves a split empty"
    ):
        split(source(), 0.001, seed=0)


def test_bytes_are_kept_and_standardised_as_a_batch_is_drawn() -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 2, 3, 3), dtype=np.uint8)
    y = np.arange(60)
    sample, target = Sample("image", (2, 3, 3)), Target("classes", 60)
    given = Source(x[:50], y[:50], x[50:], y[50:], sample, target)
    splits = split(given, 0.2, seed=0)
    train = given.x_train[splits.train.batch(slice(None))[1].numpy()].astype(np.float64)
    mean, std = train.mean((0, 2, 3)), train.std((0, 2, 3))
    np.testing.assert_allclose(splits.mean.flatten(), mean, rtol=1e-5)
    np.testing.assert_allclose(splits.std.flatten(), std, rtol=1e-5)
    for part in (splits.train, splits.validation, splits.test):
        assert part is not None
        drawn, rows = part.batch(torch.tensor([3, 0]))
        expected = (x[rows.numpy()] - mean[:, None, None]) / std[:, None, None]
        np.testing.assert_allclose(drawn, expected, rtol=1e-4, atol=1e-4)
    # Training and validation share the source's own memory.
    assert splits.train.x.data_ptr() == given.x_train.ctypes.data
    assert splits.validation is not None
    assert splits.validation.x.data_ptr() == given.x_train.ctypes.data
    found = [y for part in (splits.train, splits.validation) for y in part.batch(slice(None))[1]]
    assert sorted(map(int, found)) == list(range(50))


def test_a_validation_part_of_the_source() -> None:
    given = source()
    own = replace(given, x_validation=given.x_test[:4], y_validation=given.y_test[:4])
    train, validation = labels(split(own, 0.2, seed=0))
    assert validation == [50, 51, 52, 53]
    assert sorted(train) == list(range(50))


def test_steps_that_are_lacking_have_no_part_in_the_statistics() -> None:
    given = source()
    x = given.x_train.copy()
    x[:, 3] = np.nan
    varies = replace(given, x_train=x, sample=Sample("series", (4, 3), varies=True))
    splits = split(varies, 0.0, seed=0)
    np.testing.assert_allclose(splits.mean.flatten(), x[:, :3].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(splits.std.flatten()[:2], x[:, :3].std((0, 1))[:2], rtol=1e-5)
    assert splits.train.x[:, 3].isnan().all()
    assert splits.train.x[:, :3].isfinite().all()


def test_what_is_to_be_given_back_lies_between_minus_one_and_one() -> None:
    splits = split(source().to_reconstruct(), 0.2, seed=0)
    x, y = splits.train.batch(slice(None))
    assert torch.equal(y, x.flatten(1))
    assert (x[..., :2].amin((0, 1)) + 1).abs().max() < 1e-5
    assert (x[..., :2].amax((0, 1)) - 1).abs().max() < 1e-5
    assert splits.target == Target("itself", 12)
    raw = Scale(splits.mean, splits.std).undo(splits.test.x).numpy()
    np.testing.assert_allclose(raw, source().x_test, rtol=1e-4, atol=1e-4)


def test_images_of_the_size_of_mnist_stay_small() -> None:
    x, y = np.zeros((60_000, 1, 28, 28), np.uint8), np.zeros(60_000, np.int64)
    given = Source(
        x, y, x[:10_000].copy(), y[:10_000], Sample("image", (1, 28, 28)), Target("classes", 10)
    )
    splits = split(given, 0.1, seed=0)
    parts = [splits.train, splits.validation, splits.test]
    kept = {t.data_ptr(): t.nbytes for part in parts if part is not None for t in part.tensors}
    assert sum(kept.values()) < 100e6


@pytest.mark.parametrize("part", ["training", "validation", "test"])
def test_a_part_of_equal_numbers(part: str) -> None:
    x, y = np.zeros((30, 3)), np.random.default_rng(0).normal(size=(30, 2))
    one = np.column_stack([y[:, 0], np.full(30, 0.1)])
    y_train, y_validation, y_test = (
        one if name == part else y for name in ("training", "validation", "test")
    )
    sample, target = Sample("vector", (3,)), Target("numbers", 2)
    given = Source(x, y_train, x, y_test, sample, target, x, y_validation)
    with pytest.raises(UserError, match=f"The {part} part has the same target in each of its 30"):
        split(given, 0.2, seed=0)


@pytest.mark.parametrize("part", ["validation", "test"])
def test_a_part_of_one_number(part: str) -> None:
    x, y = np.zeros((40, 3), np.float32), np.arange(40, dtype=np.float32)[:, None]
    test = 1 if part == "test" else 5
    given = Source(x, y, x[:test], y[:test], Sample("vector", (3,)), Target("numbers", 1))
    with pytest.raises(UserError, match=f"The {part} part has one sample; to judge numbers"):
        split(given, 0.2 if part == "test" else 0.02, seed=0)
