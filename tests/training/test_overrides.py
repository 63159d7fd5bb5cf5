"""The command that repeats a run: read back, it is the same configuration."""

import pytest

from activation_search.compose import compose
from activation_search.training.config import TrainConfig
from activation_search.training.overrides import to_overrides

PATHS = [
    "plain.csv", "/abs/x-1.csv", "data (1).csv", "a[1].csv", "a=b.csv", "a,b.csv", "a#b.csv",
    "it's.csv", "größe.csv", "~/x.csv", "C:\\x\\", "a\\'b", "'", "null", "true", "1e3",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_any_path_is_read_back(path: str) -> None:
    config: TrainConfig = compose(["model=mlp", "data=csv"])
    config.data.path = path  # type: ignore[attr-defined]
    config.data.target = "price (usd)"  # type: ignore[attr-defined]
    again: TrainConfig = compose(to_overrides(config))
    assert again == config


def test_only_what_differs_is_written() -> None:
    overrides = ["model=mlp", "data=digits", "activation=leaky_relu", "data.reconstruct=true",
                 "activation.negative_slope=0.2", "model.code=8", "optim.lr=0.01"]  # fmt: skip
    config: TrainConfig = compose(overrides)
    assert set(to_overrides(config)) == set(overrides)
    assert compose(to_overrides(config)) == config
