"""What a prediction is made of: the numbers that were given, or one sentence."""

from pathlib import Path

import numpy as np
import pytest
import torch

from activation_search.config.compose import compose
from activation_search.data.registry import load_splits
from activation_search.errors import UserError
from activation_search.training.module import ActivationModule
from activation_search.training.session import build_module

from ..files import series, write_arrays


def module(*overrides: str) -> ActivationModule:
    config = compose(list(overrides))
    return build_module(config, load_splits(config.data, config.seed)).eval()


@pytest.fixture(scope="module")
def digits() -> ActivationModule:
    return module("model=mlp", "data=digits")


def test_whole_numbers_of_every_size(digits: ActivationModule) -> None:
    big = np.full((1, 8, 8), 2**63, np.uint64)
    assert torch.equal(digits.predict(big), digits.predict(big.astype(np.float64)))
    small = np.arange(64, dtype=np.uint8).reshape(1, 8, 8)
    for dtype in (np.int64, ">i2", np.float32, np.longdouble):
        assert torch.equal(digits.predict(small.astype(dtype)), digits.predict(small))
    for x in (np.full((1, 8, 8), 2**53 + 1), torch.full((1, 8, 8), 2**53 + 1)):
        with pytest.raises(
            UserError,
            match=r"predict: x holds 9007199254740993 at sample 0, which float64 would round\.$",
        ):
            digits.predict(x)


def test_what_is_no_number_or_hidden(digits: ActivationModule) -> None:
    x = np.ones((2, 8, 8))
    with pytest.raises(UserError, match="predict: x has masked values"):
        digits.predict(np.ma.masked_array(x, mask=x > 0))
    for strange in (torch.ones(1, 8, 8, dtype=torch.complex64), np.ones((1, 8, 8), complex)):
        with pytest.raises(UserError, match="predict takes numbers, not"):
            digits.predict(strange)
    with pytest.raises(UserError, match="x holds NaN or infinity"):
        digits.predict(np.full((1, 8, 8), np.inf))


def test_tokens_are_those_of_the_text() -> None:
    text = module("model=transformer", "data=text", "data.characters=20_000", "model.width=16")
    size = text.sample.vocabulary
    assert text.predict(np.array([[0, size - 1]])).isfinite().all()
    for bad in ([[0.5, 1.0]], [[0, size]], [[-1, 0]], [[np.nan, 0.0]]):
        with pytest.raises(UserError, match=f"whole numbers from 0 to {size - 1}"):
            text.predict(np.array(bad))


@pytest.mark.parametrize("model", ["lstm", "transformer"])
def test_series_end_where_all_that_follows_is_missing(model: str, tmp_path: Path) -> None:
    given, _ = series(60)
    given[0, 9:] = np.nan
    path = write_arrays(tmp_path / "short.npz", x_train=given)
    short = module(f"model={model}", "data=arrays", f"data.path={path}", "model.width=16")
    assert short.sample.varies
    x = np.random.default_rng(0).normal(size=(3, *short.sample.shape))
    x[1, -3:] = np.nan
    assert short.predict(x).isfinite().all()
    wrong = [((0, 2), np.nan), ((0, 2, 0), np.nan), ((1, -1, 0), np.inf), ((2, 0), -np.inf)]
    for at, value in wrong:
        bad = x.copy()
        bad[at] = value
        with pytest.raises(UserError, match="before the end of a series"):
            short.predict(bad)
    x[2] = np.nan
    for none in (x, x[:, :0], x[:, :0, 0]):
        with pytest.raises(UserError, match="x holds one of none"):
            short.predict(none)
