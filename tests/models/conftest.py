"""Small models of every kind, and samples of both kinds."""

import pytest

from activation_search.config.models import (
    CNNConfig,
    LSTMConfig,
    MLPConfig,
    ModelConfig,
    TransformerConfig,
)
from activation_search.data.sample import Sample

SERIES = Sample("series", (12, 2))
IMAGE = Sample("image", (3, 8, 6))
CONFIGS: dict[str, ModelConfig] = {
    "mlp": MLPConfig("mlp", depth=2, width=16, dropout=0.0, norm="none", residual=False),
    "cnn": CNNConfig(
        "cnn",
        depth=2,
        width=8,
        dropout=0.0,
        first_kernel=5,
        kernel=3,
        stride=2,
        fc_depth=1,
        fc_width=16,
        norm="batch",
        residual=False,
        pool="flatten",
    ),
    "lstm": LSTMConfig("lstm", depth=2, width=8, dropout=0.0, norm="none", pool="mean"),
    "transformer": TransformerConfig(
        "transformer",
        depth=2,
        width=16,
        dropout=0.0,
        heads=2,
        mlp_ratio=2.0,
        match_parameters=True,
        patch=3,
        stride=2,
        norm="layer",
    ),
}


@pytest.fixture(params=[SERIES, IMAGE], ids=lambda s: s.kind)
def sample(request: pytest.FixtureRequest) -> Sample:
    return request.param


@pytest.fixture(params=CONFIGS.values(), ids=CONFIGS)
def config(request: pytest.FixtureRequest) -> ModelConfig:
    return request.param
