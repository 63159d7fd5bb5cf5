"""Every model on every data set, and with every kind of activation: trains, and the loss falls."""

from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.config.models import BUILT_IN
from activation_search.config.run import TrainConfig
from activation_search.data.registry import SOURCES
from activation_search.errors import UserError
from activation_search.models.factory import readers
from activation_search.training.run import train

from ..files import NEEDS

ACTIVATIONS = ["relu", "gelu", "prelu", "apl", "rational", "swiglu", "maxmin", "rrelu"]
# What my.npz and my_data.py hold.
SAMPLES = {name: registered.sample or "series" for name, registered in SOURCES.items()}
PAIRS = [
    (model, data)
    for data, sample in SAMPLES.items()
    for model in BUILT_IN
    if model in readers(sample)
]
IMPOSSIBLE = [(model, data) for model in BUILT_IN for data in SOURCES if (model, data) not in PAIRS]
# One data set of each kind of sample.
KINDS = [(m, d) for m, d in PAIRS if d in ("friedman1", "mnist1d", "digits", "text")]
LARGE = [name for name, registered in SOURCES.items() if registered.fetched or name == "text"]


def losses(small: Callable[..., TrainConfig], model: str, data: str, *more: str) -> list[float]:
    # Two batches, learned by heart in a few steps, show that every part is trained.
    result = train(
        small(
            f"model={model}",
            f"data={data}",
            *NEEDS.get(data, []),
            *(["data.batch_size=8"] if data in LARGE else []),
            *more,
            "model.width=32",
            "trainer.overfit_batches=2",
            "trainer.max_epochs=6",
            "optim.lr=1e-2",  # at the default some have hardly moved by then
            "trainer.checkpoints=false",
            "tensorboard.enabled=false",
            "test=false",
        )
    )
    assert result.status == "finished"
    return [row["train_loss"] for row in result.curve]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("model", "data"), KINDS)
def test_trains(model: str, data: str, activation: str, small: Callable[..., TrainConfig]) -> None:
    first, *_, last = losses(small, model, data, f"activation={activation}")
    assert last < 0.98 * first


@pytest.mark.parametrize(("model", "data"), PAIRS)
def test_every_pair_trains(
    model: str, data: str, small: Callable[..., TrainConfig], files: Path
) -> None:
    first, *_, last = losses(small, model, data)
    assert last < 0.98 * first


@pytest.mark.parametrize(("model", "data"), IMPOSSIBLE)
def test_an_impossible_pair_names_the_possible_ones(
    model: str, data: str, small: Callable[..., TrainConfig], files: Path
) -> None:
    able = ", ".join(readers(SAMPLES[data]))
    with pytest.raises(UserError, match=f"model={model} cannot read samples of .* can: {able}"):
        losses(small, model, data)
