"""Every YAML file that ships is composed and run for one batch."""

from pathlib import Path

import pytest

from activation_search.compose import CONF, compose
from activation_search.training.run import train

FILES = sorted(p.relative_to(CONF) for p in CONF.rglob("*.yaml"))
OPTIONS = [f"{p.parent}={p.stem}" for p in FILES if p.parent.name]


def test_files_are_found() -> None:
    assert len(OPTIONS) == len(FILES) - 1  # all but train.yaml, which every test composes
    assert {"model=cnn", "data=digits", "experiment=mnist1d_cnn"} <= set(OPTIONS)


@pytest.mark.parametrize("option", OPTIONS)
def test_composes_and_runs(option: str, tmp_path: Path) -> None:
    quiet = ["trainer.fast_dev_run=true", "trainer.progress=false", "trainer.accelerator=cpu"]
    assert train(compose([option, *quiet, f"logs={tmp_path}"])).status == "finished"
