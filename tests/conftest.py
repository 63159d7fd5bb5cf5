"""Fixtures shared by all tests: small configurations, and a cache of their own."""

import os
import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
import torch
from matplotlib.figure import Figure

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.data.files import cache_folder
from activation_search.engine import forks
from activation_search.engine import job as job_module
from activation_search.engine import runner as runner_module
from activation_search.training import run as run_module
from activation_search.training.result import RunResult

from .command import ROOT, Command
from .files import expect, fill_cache, write_files
from .here import HereEngine
from .pretend import Row, Score, pretend

OnEpoch = Callable[[Row], bool] | None

# One thread, here and in processes that tests start, unless asked for more: the models are tiny.
torch.set_num_threads(int(os.environ.setdefault("OMP_NUM_THREADS", "1")))
# Of the window in which tests are started, and 80 in the processes of pytest-xdist.
os.environ.pop("COLUMNS", None)


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
def command(monkeypatch: pytest.MonkeyPatch) -> Command:
    """``command("train.py", "activation=gelu")`` gives the exit code."""

    def run(script: str, *arguments: str) -> int:
        path = str(ROOT / script)
        monkeypatch.setattr(sys, "argv", [path, *arguments])
        with pytest.raises(SystemExit) as exit:
            runpy.run_path(path, run_name="__main__")
        assert isinstance(exit.value.code, int)
        return exit.value.code

    return run


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
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Studies and comparisons train in this process, one job after the other."""
    verbosity = optuna.logging.get_verbosity()
    monkeypatch.setattr(runner_module, "LocalEngine", HereEngine)
    monkeypatch.setattr(forks, "import_ahead", lambda: None)
    yield
    optuna.logging.set_verbosity(verbosity)


@pytest.fixture(autouse=True)
def blank_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are made and written, but nothing is painted on them, which takes half the time of a
    small run; those of every kind are painted in the tests marked ``paints``."""
    if not request.node.get_closest_marker("paints"):
        monkeypatch.setattr(Figure, "draw", lambda self, renderer: None)


@pytest.fixture
def trained(here: None, monkeypatch: pytest.MonkeyPatch) -> list[TrainConfig]:
    """Runs are trained in this process, and noted."""
    seen: list[TrainConfig] = []

    def train(config: TrainConfig, on_epoch: OnEpoch = None) -> RunResult:
        seen.append(config)
        return run_module.train(config, on_epoch)

    monkeypatch.setattr(job_module, "train", train)
    return seen


@pytest.fixture
def pretended(here: None, monkeypatch: pytest.MonkeyPatch) -> Callable[[Score], list[TrainConfig]]:
    """``pretended(score)``: runs of studies and comparisons are noted and not trained; their metric
    after each epoch is ``score(config)``."""
    seen: list[TrainConfig] = []

    def use(score: Score) -> list[TrainConfig]:
        def train(config: TrainConfig, on_epoch: OnEpoch = None) -> RunResult:
            seen.append(config)
            return pretend(config, score(config), on_epoch)

        monkeypatch.setattr(job_module, "train", train)
        return seen

    return use
