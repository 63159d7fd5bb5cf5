"""Half precision is for the network: what is measured and counted is not rounded."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import activation_search
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.data.sample import Sample, Target
from activation_search.errors import UserError
from activation_search.training.module import ActivationModule, to_hyperparameters
from activation_search.training.precision import KeepsPrecision
from activation_search.training.run import train

from ..files import write_arrays

Small = Callable[..., TrainConfig]


def test_parts_that_keep_their_precision() -> None:
    model = torch.nn.Module()
    model.kept = KeepsPrecision()
    model.kept.register_buffer("mean", torch.tensor([2010.3]))
    model.weights = torch.nn.Linear(1, 1)
    for cast in (model.bfloat16, model.double, lambda: model.to(torch.float16)):
        cast()
        assert model.kept.mean.dtype is torch.float32
        assert model.kept.mean.item() == pytest.approx(2010.3)
    assert model.weights.weight.dtype is torch.float16
    assert model.to("meta").kept.mean.device.type == "meta"


@pytest.mark.parametrize("precision", ["bf16-true", "bf16-mixed", "64-true"])
def test_metrics_are_those_of_the_predictions(precision: str, small: Small, tmp_path: Path) -> None:
    # Years and prices: large numbers that vary little, which bfloat16 cannot tell apart.
    generator = np.random.default_rng(0)
    x = np.stack([generator.uniform(2000, 2020, 300), generator.uniform(0, 1, 300)], 1)
    y = 1000 + (x[:, 0] - 2010) * 0.5 + x[:, 1]
    file = write_arrays(tmp_path / "years.npz", x_train=x[:200], y_train=y[:200], x_test=x[200:],
                        y_test=y[200:])  # fmt: skip
    result = train(
        small(
            "data=arrays",
            f"data.path={file}",
            f"trainer.precision={precision}",
            "trainer.max_epochs=20",
        )
    )
    model = activation_search.load(f"{result.directory}/last.ckpt")
    assert model.scale.mean.flatten()[0].item() == pytest.approx(x[:200, 0].mean(), abs=1)
    mae = np.abs(model.predict(x[200:]).double().numpy()[:, 0] - y[200:]).mean()
    # Targets pass through the network's precision: within its rounding of standardised ones.
    assert result.metrics["test_mae"] == pytest.approx(mae, abs=0.01)
    assert result.metrics["test_r2"] > 0.9


def test_predict_takes_images_as_files_hold_them(small: Small, tmp_path: Path) -> None:
    x = np.random.default_rng(0).integers(0, 256, (60, 12, 10, 3), dtype=np.uint8)
    file = write_arrays(tmp_path / "colours.npz", x_train=x, x_test=x[:30])
    config = small("model=cnn", "data=arrays", f"data.path={file}")
    model = activation_search.load(f"{train(config).directory}/last.ckpt")
    torch.testing.assert_close(model.predict(x), model.predict(x.transpose(0, 3, 1, 2)))
    gray = write_arrays(tmp_path / "gray.npz", x_train=x[..., 0], x_test=x[:30, ..., 0])
    config = small("model=cnn", "data=arrays", f"data.path={gray}")
    model = activation_search.load(f"{train(config).directory}/last.ckpt")
    torch.testing.assert_close(model.predict(x[..., 0]), model.predict(x[:, None, ..., 0]))


@pytest.fixture
def model() -> ActivationModule:
    plain = to_hyperparameters(
        compose(["model=mlp", "data=digits"]), Sample("vector", (3,)), Target("numbers", 1)
    )
    return ActivationModule(**plain).eval()


@pytest.mark.parametrize(
    "given",
    [
        np.array([[0, 1, 1], [1, 0, 0]], bool),
        np.array([[0, 1, 1], [1, 0, 0]], ">i4"),
        np.array([[0, 1, 1], [1, 0, 0]], ">f8"),
        np.array([[0, 1, 1], [1, 0, 0]], "float16"),
        np.array([[0, 1, 1], [1, 0, 0]], np.longdouble),
        np.array([[0, 1, 1], [1, 0, 0]], np.uint16),
        np.array([[1, 0, 0], [0, 1, 1]])[::-1],
        np.array([[1, 1, 0], [0, 0, 1]], np.float32)[:, ::-1],
        np.asfortranarray([[0, 1, 1], [1, 0, 0]]),
        torch.tensor([[0, 1, 1], [1, 0, 0]], dtype=torch.bool),
        [[0, 1, 1], [1, 0, 0]],
    ],
)
def test_predict_takes_any_kind_of_number(model: ActivationModule, given: Any) -> None:
    expected = model.predict(torch.tensor([[0.0, 1, 1], [1, 0, 0]]))
    assert expected.dtype is torch.float64
    assert torch.equal(model.predict(given), expected)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (np.array([["a", "b", "c"]]), "predict takes numbers, not an array of type <U1"),
        (np.array([[None, 1, 2]]), "predict takes numbers, not an array of type object"),
        (np.array([[1j, 1, 2]]), "predict takes numbers, not an array of type complex128"),
        (np.array([[np.nan, 1, 2]]), "predict takes finite numbers, and x holds NaN or infinity"),
    ],
)
def test_predict_refuses_what_is_no_number(
    model: ActivationModule, given: np.ndarray, sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        model.predict(given)


@pytest.mark.parametrize("precision", ["bf16-mixed", "bf16-true", "64-true"])
@pytest.mark.parametrize("activation", ["default", "relu", "prelu"])
def test_an_lstm_in_every_precision(small: Small, precision: str, activation: str) -> None:
    config = small(
        "model=lstm", "model.width=8", f"activation={activation}", f"trainer.precision={precision}",
        "trainer.max_steps=3",
    )  # fmt: skip
    assert train(config).status == "finished"
