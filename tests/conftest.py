"""Fixtures shared by all tests: small configurations, and a cache of their own."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from activation_search.compose import compose
from activation_search.training.config import TrainConfig

# One thread: the models are tiny, and results are the same on every machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Generated data is cached for the test run, never in the home folder."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))


@pytest.fixture
def small(tmp_path: Path) -> Callable[..., TrainConfig]:
    """Configurations of quick runs that write below the test's own folder."""

    def configure(*overrides: str) -> TrainConfig:
        base = [
            "model=mlp",
            "data=digits",
            "model.width=32",
            "trainer.max_epochs=2",
            "trainer.progress=false",
            "trainer.accelerator=cpu",
            f"logs={tmp_path}",
        ]
        return compose([*base, *overrides])

    return configure
