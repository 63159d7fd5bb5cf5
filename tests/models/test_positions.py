"""What a prediction may depend on: steps that are there, and of text those that came before."""

from pathlib import Path

import numpy as np
import pytest
import torch

import activation_search
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.data.sample import Sample
from activation_search.diagnostics.probe import preactivations
from activation_search.errors import UserError
from activation_search.models.factory import build_network
from activation_search.models.network import Network
from activation_search.training.run import train

from ..files import series, write_arrays

VARYING = Sample("series", (12, 2), varies=True)
MODELS = [
    ["model=lstm"],
    ["model=lstm", "model.pool=last"],
    ["model=lstm", "activation=softsign", "model.depth=2"],  # step by step
    ["model=transformer"],
    ["model=transformer", "model.patch=3", "model.stride=1", "activation=prelu"],
    ["model=transformer", "model.patch=4", "model.stride=3", "activation=swiglu"],
]


def network(overrides: list[str], sample: Sample, outputs: int = 3) -> Network:
    config: TrainConfig = compose(overrides)
    return build_network(config.model, config.activation, sample, outputs).eval()


def padded(x: torch.Tensor, length: int) -> torch.Tensor:
    """Series of that many steps, filled up with NaN."""
    x = x.clone()
    x[:, length:] = torch.nan
    return x


@pytest.mark.parametrize("overrides", MODELS)
def test_padding_changes_no_prediction(overrides: list[str]) -> None:
    model = network(overrides, VARYING)
    x = torch.randn(5, 12, 2, generator=torch.Generator().manual_seed(0))
    lengths = [12, 7, 3, 9, 1]
    together = model(torch.cat([padded(x[i : i + 1], n) for i, n in enumerate(lengths)]))
    assert together.isfinite().all()
    for i, n in enumerate(lengths):
        alone = model(x[i : i + 1, :n])  # without any padding
        torch.testing.assert_close(together[i : i + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("overrides", MODELS)
def test_diagnostics_see_only_what_is_there(overrides: list[str]) -> None:
    model = network(overrides, VARYING)
    x = torch.randn(3, 12, 2, generator=torch.Generator().manual_seed(0))
    lengths = [12, 5, 2]
    seen = preactivations(
        model, torch.cat([padded(x[i : i + 1], n) for i, n in enumerate(lengths)])
    )
    alone = [preactivations(model, x[i : i + 1, :n]) for i, n in enumerate(lengths)]
    for site, z in seen.items():
        expected = torch.cat([one[site].flatten(0, -2) for one in alone])
        assert z.shape == expected.shape
        assert z.isfinite().all()
        # In another order: LSTMs go through the samples step by step.
        torch.testing.assert_close(z.sort(0)[0], expected.sort(0)[0], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "overrides",
    [["model=lstm"], ["model=lstm", "activation=softsign"], ["model=transformer"]],
)
def test_text_is_read_from_the_left(overrides: list[str]) -> None:
    model = network(overrides, Sample("tokens", (10,), vocabulary=7), outputs=7)
    x = torch.randint(7, (4, 10), generator=torch.Generator().manual_seed(0))
    changed = x.clone()
    changed[:, 6:] = (x[:, 6:] + 1) % 7
    before, after = model(x), model(changed)
    assert before.shape == (4, 10, 7)
    torch.testing.assert_close(before[:, :6], after[:, :6])
    assert (before[:, 6] - after[:, 6]).abs().max() > 1e-3
    # It may be given fewer.
    torch.testing.assert_close(model(x[:, :4]), before[:, :4], rtol=1e-4, atol=1e-5)


def test_a_whole_run_on_series_of_different_length(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)

    def shortened(n: int, seed: int) -> np.ndarray:
        x, _ = series(n, seed)
        for sample, length in zip(x, generator.integers(3, 13, n), strict=True):
            sample[length:] = np.nan
        return x

    file = write_arrays(tmp_path / "my.npz", x_train=shortened(60, 0), x_test=shortened(30, 1))
    base = ["data=arrays", f"data.path={file}", f"logs={tmp_path}", "trainer.progress=false",
            "data.batch_size=16", "trainer.max_epochs=15", "health.every_n_steps=3"]  # fmt: skip
    for model in ("lstm", "transformer"):
        result = train(compose([*base, f"model={model}"]))
        assert result.status == "finished"
        assert result.metrics["test_accuracy"] > 0.8  # a third by chance
        assert all(np.isfinite(list(h.values())).all() for h in result.health.values())
        loaded = activation_search.load(f"{result.directory}/last.ckpt")
        x, _ = series(2)
        whole = torch.from_numpy(x)
        torch.testing.assert_close(
            loaded.predict(whole[:, :5]), loaded.predict(padded(whole, 5)), rtol=1e-4, atol=1e-5
        )
    for model in ("mlp", "cnn"):
        with pytest.raises(UserError, match=r"series of varying length; .* can: lstm, transformer"):
            train(compose([*base, f"model={model}"]))
