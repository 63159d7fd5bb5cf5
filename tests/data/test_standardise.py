"""The unit and the offset of a channel make no difference, and a constant one is 0."""

import numpy as np
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from activation_search.data import standardise as module
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Source, split
from activation_search.data.standardise import middle_and_half_range, moments, standardise
from activation_search.training.precision import Scale

UNITS = [
    (1.0, 0.0),
    (1e-9, 0.0),
    (1e9, 0.0),
    (1.0, 1e7),
    (1.0, 1.7e9),
    (1e-300, 0.0),
    (1e200, 0.0),
    (1e300, 0.0),
    (-3.0, 5.0),
]
ALL = slice(None)


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape)


@pytest.mark.parametrize(("unit", "offset"), UNITS)
def test_any_unit_gives_the_same_values(unit: float, offset: float):
    x = normal(500, 3)
    expected = np.sign(unit) * StandardScaler().fit_transform(x)
    given = torch.from_numpy(unit * x + offset)
    found = standardise(given, *moments(given, ALL, axis=1))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_float32_input_has_float64_statistics():
    x = (normal(4000, 1) + 4096).astype(np.float32)
    mean, std = moments(torch.from_numpy(x), ALL, axis=1)
    np.testing.assert_allclose(mean, x.astype(np.float64).mean(0), rtol=1e-14)
    np.testing.assert_allclose(std, x.astype(np.float64).std(0), rtol=1e-10)


@pytest.mark.parametrize("constant", [0.0, 0.1, 98765.43, -1e-30, 1e300])
def test_a_constant_channel_is_0_whatever_it_holds_later(constant: float):
    x = torch.full((50, 1), constant, dtype=torch.float64)
    mean, std = moments(x, ALL, axis=1)
    assert (mean.item(), std.item()) == (constant, np.inf)
    later = torch.tensor([[constant], [constant + 1], [-1e9], [1e307]], dtype=torch.float64)
    assert standardise(later, mean, std).tolist() == [[0.0]] * 4


def test_a_constant_channel_can_be_given_back():
    x = torch.tensor([[1.0, 7.25], [3.0, 7.25]], dtype=torch.float64)
    for statistics in (moments, middle_and_half_range):
        mean, std = statistics(x, ALL, axis=1)
        assert torch.equal(Scale(mean, std).undo(standardise(x, mean, std)), x)


def test_missing_steps_are_left_out():
    x = normal(20, 6, 2)
    x[::2, 4:] = np.nan
    mean, std = moments(torch.from_numpy(x), ALL, axis=2)
    np.testing.assert_allclose(mean, np.nanmean(x, (0, 1)), rtol=1e-12)
    np.testing.assert_allclose(std, np.nanstd(x, (0, 1)), rtol=1e-12)
    standardised = standardise(torch.from_numpy(x), mean, std)
    assert torch.equal(standardised.isnan(), torch.from_numpy(x).isnan())


@pytest.mark.parametrize(("unit", "offset"), UNITS)
def test_range_of_any_unit(unit: float, offset: float):
    x = torch.from_numpy(unit * np.array([[-2.0], [1.0], [6.0]]) + offset)
    found = standardise(x, *middle_and_half_range(x, ALL, axis=1))[:, 0]
    np.testing.assert_allclose(found, np.sign(unit) * np.array([-1, -0.25, 1]), atol=1e-6)


def test_chunks_make_no_difference(monkeypatch: pytest.MonkeyPatch):
    x = torch.from_numpy(normal(37, 3, 5) * 1e4 + 1e6)
    rows = torch.randperm(37, generator=torch.Generator().manual_seed(0))[:30]
    whole = moments(x, rows, axis=1)
    monkeypatch.setattr(module, "CHUNK", 60)
    in_parts = moments(x, rows, axis=1)
    for one, other in zip(whole, in_parts, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-13, atol=0)
    assert torch.equal(
        standardise(x, x.new_tensor(1e6), x.new_tensor(1e4)), ((x - 1e6) / 1e4).float()
    )


@pytest.mark.parametrize(
    ("sample", "shape"),
    [("vector", (3,)), ("series", (5, 3)), ("image", (3, 4, 4))],
)
def test_every_kind_of_sample(sample: str, shape: tuple[int, ...]):
    """A third channel that is constant, a second one far from zero."""
    kind = Sample(sample, shape)
    channels = [1 if i != kind.channel_axis else 3 for i in range(len(shape))]
    scale, shift = (np.reshape(v, channels) for v in ([1e-9, 1, 0], [0, 1.7e9, 98765.43]))
    x = normal(60, *shape) * scale + shift
    y = np.arange(60) % 2
    given = Source(x[:50], y[:50], x[50:], y[50:], kind, Target("binary", 1))
    train = split(given, 0.2, seed=0).train.x.movedim(1 + kind.channel_axis, -1).flatten(0, -2)
    np.testing.assert_allclose(train.mean(0), [0, 0, 0], atol=1e-6)
    np.testing.assert_allclose(train.std(0, correction=0), [1, 1, 0], atol=1e-6)


def test_bytes_of_one_value_are_0():
    x = np.full((40, 1, 3, 3), 7, np.uint8)
    y = np.arange(40) % 2
    given = Source(x, y, x + 1, y, Sample("image", (1, 3, 3)), Target("binary", 1))
    splits = split(given, 0.2, seed=0)
    for part in (splits.train, splits.test):
        assert not part.batch(slice(0, 8))[0].any()
