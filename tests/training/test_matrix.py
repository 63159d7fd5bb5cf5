"""Every model on every data set with every kind of activation: trains, and the loss falls."""

from collections.abc import Callable

import pytest

from activation_search.data import SOURCES
from activation_search.models.config import MODEL_CONFIGS
from activation_search.training.config import TrainConfig
from activation_search.training.run import train

ACTIVATIONS = ["relu", "gelu", "prelu", "apl", "rational", "swiglu", "maxmin", "rrelu"]


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("data", SOURCES)
@pytest.mark.parametrize("model", MODEL_CONFIGS)
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
