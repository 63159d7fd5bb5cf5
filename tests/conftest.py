"""Fixtures shared by all tests: small configurations, and a cache of their own."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from activation_search.compose import compose
from activation_search.data.files import cache_folder
from activation_search.evidence import runs as runs_module
from activation_search.training import run as run_module
from activation_search.training.config import TrainConfig
from activation_search.training.result import RunResult

from .files import expect, fill_cache, write_files

# One thread: the models are tiny, and results are the same on every machine.
torch.set_num_threads(1)


@pytest.fixture(scope="session", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Data is cached for the test run, never in the home folder; what would be fetched is there,
    in small."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.getbasetemp() / "cache"))
    fill_cache(cache_folder())
    expect(cache_folder(), patch)


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a file for each kind of data of a user's own."""
    write_files(tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


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


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """Runs are trained in this process, and noted."""
    seen: list[TrainConfig] = []

    def here(configs: list[TrainConfig], *_) -> list[RunResult]:
        seen.extend(configs)
        return [run_module.train(config) for config in configs]

    monkeypatch.setattr(runs_module, "_train_in_parallel", here)
    return seen
