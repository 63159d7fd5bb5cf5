"""Data that change under their name are not taken for the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig, from_dict
from activation_search.config.search import SweepConfig
from activation_search.data import registry as sources
from activation_search.engine.runner import Runner
from activation_search.engine.runs import run_all
from activation_search.errors import UserError
from activation_search.training.run import train

from ..files import series, write_arrays
from ..here import HereEngine, swept

Small = Callable[..., TrainConfig]


@pytest.fixture
def changed(files: Path) -> Callable[[], None]:
    """Writes other numbers under the name of ``my.npz``."""

    def change() -> None:
        write_arrays(files / "my.npz", x_train=series(60, seed=7)[0])

    return change


def test_a_run_says_what_it_read_and_is_repeated_on_that_alone(
    small: Small, changed: Callable[[], None]
) -> None:
    result = train(small("data=arrays", "data.path=my.npz"))
    config = from_dict(result.config)
    assert result.data["sha256"].startswith(config.data.sha256)  # type: ignore[attr-defined]
    assert result.data["samples"] == "series [12, 2]"
    again = train(config)
    assert again.metrics == result.metrics
    changed()
    with pytest.raises(UserError, match=r"data=arrays is not what it was: data.sha256="):
        train(config)
    other = train(small("data=arrays", "data.path=my.npz"))
    assert other.data["sha256"] != result.data["sha256"]
    assert other.metrics != result.metrics


def test_a_comparison_trains_again(
    small: Small, changed: Callable[[], None], trained: list[TrainConfig]
) -> None:
    def compared() -> str:
        config = small("data=arrays", "data.path=my.npz", "group=compare")
        config.data = sources.pinned(config.data)
        runner = Runner(HereEngine(), Console(quiet=True))
        return run_all({"one": config}, runner, "runs")["one"].directory

    first = compared()
    assert compared() == first
    changed()
    assert compared() != first


def test_a_study_refuses(files: Path, changed: Callable[[], None]) -> None:
    asked = ["model=mlp", "data=arrays", "data.path=my.npz", "search.candidates=[relu,tanh]",
             "trials=1", "workers=1", "trainer.max_epochs=1", f"logs={files}"]  # fmt: skip
    swept(compose(asked, SweepConfig))
    changed()
    with pytest.raises(UserError, match=r"asks something else \(data.sha256 was \w+, is \w+\)"):
        swept(compose(asked, SweepConfig))


def test_a_pair_that_cannot_be_is_told_before_a_study_starts(files: Path) -> None:
    config = compose(["model=cnn", "data=diabetes", f"logs={files}"], SweepConfig)
    with pytest.raises(UserError, match="model=cnn cannot read samples of kind vector"):
        swept(config)
    assert not (files / "sweeps").exists()
