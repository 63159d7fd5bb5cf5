"""Batches that are accumulated to one step count as one large batch would."""

from collections.abc import Callable

import pytest
import torch

from activation_search.config.run import TrainConfig
from activation_search.training import run as run_module
from activation_search.training.module import ActivationModule
from activation_search.training.session import Session

Small = Callable[..., TrainConfig]
# Plain gradient descent without noise: the weights show each step's gradient. 57 training samples,
# of which five whole batches of ten make one step of four and a last one of one or two.
OVERRIDES = ["data=function", "data.function=steps_data.load", "data.validation=0",
             "optim.optimizer=sgd", "optim.momentum=0", "optim.schedule=constant", "optim.lr=0.1",
             "trainer.max_epochs=1", "test=false"]  # fmt: skip


@pytest.fixture
def weights(
    small: Small, files, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, torch.Tensor]]:
    """``weights("data.batch_size=10")``: what a run has learned. The order of the samples is that
    of the seed, whatever the size of the batches."""
    (files / "steps_data.py").write_text(
        "import numpy as np\n\n\ndef load():\n"
        "    x = np.random.default_rng(0).normal(size=(57, 4))\n"
        "    y = np.random.default_rng(1).normal(size=57)\n"
        "    return {'x_train': x, 'y_train': y, 'x_test': x, 'y_test': y}\n"
    )
    kept: list[ActivationModule] = []
    conclude = run_module.conclude

    def keep(session: Session) -> None:
        kept.append(session.module)
        conclude(session)

    monkeypatch.setattr(run_module, "conclude", keep)

    def train(*overrides: str) -> dict[str, torch.Tensor]:
        run_module.train(small(*OVERRIDES, *overrides))
        return {name: p.detach() for name, p in kept[-1].network.named_parameters()}

    return train


@pytest.mark.parametrize(
    ("batch", "accumulated", "large", "limit"),
    [
        (10, 2, 20, []),  # 57 = 2 * 20 + 10 + 7
        (10, 4, 40, []),  # 40 + 17: a last group of a whole and a short batch
        (19, 2, 38, []),  # a last group of one batch
        (20, 5, 100, []),  # one group of three of five
        (10, 2, 20, ["trainer.max_steps=1"]),
    ],
)
def test_a_step_is_that_of_one_large_batch(
    weights, batch: int, accumulated: int, large: int, limit: list[str]
):
    expected = weights(f"data.batch_size={large}", *limit)
    accumulate = f"trainer.accumulate_grad_batches={accumulated}"
    found = weights(f"data.batch_size={batch}", accumulate, *limit)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)


def test_few_batches_that_are_learned_by_heart(weights):
    expected = weights("data.batch_size=30", "trainer.overfit_batches=1")
    accumulate = "trainer.accumulate_grad_batches=4"
    found = weights("data.batch_size=10", "trainer.overfit_batches=3", accumulate)
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=1e-5, atol=1e-6)
