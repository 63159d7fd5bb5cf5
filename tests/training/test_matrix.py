"""Every model on every data set with every kind of activation: trains, and the loss falls."""

from collections.abc import Callable

import pytest

from activation_search.data import SOURCES, load_source
from activation_search.models.factory import READS
from activation_search.training.config import TrainConfig
from activation_search.training.run import train

ACTIVATIONS = ["relu", "gelu", "prelu", "apl", "rational", "swiglu", "maxmin", "rrelu"]

PAIRS = [
    (model, data)
    for model, kinds in READS.items()
    for data in SOURCES
    if load_source(data).sample.kind in kinds
]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("model", "data"), PAIRS)
def test_trains(model: str, data: str, activation: str, small: Callable[..., TrainConfig]) -> None:
    # Two batches, learned by heart in a few steps, show that every part is trained.
    result = train(
        small(
            f"model={model}",
            f"data={data}",
            f"activation={activation}",
            "model.width=32",
            "trainer.overfit_batches=2",
            "trainer.max_epochs=6",
            "trainer.checkpoints=false",
            "tensorboard.enabled=false",
            "test=false",
        )
    )
    losses = [row["train_loss"] for row in result.curve]
    assert result.status == "finished"
    assert losses[-1] < 0.98 * losses[0]
