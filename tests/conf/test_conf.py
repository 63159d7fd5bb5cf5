"""Every YAML file that ships, and every model and data set, is composed and run for one batch."""

from pathlib import Path

import pytest

from activation_search.config.compose import CONF, compose
from activation_search.config.data import DATA_OPTIONS
from activation_search.config.models import BUILT_IN
from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.data.registry import SOURCES
from activation_search.models.factory import readers, sites_on
from activation_search.search.parse_space import build_space
from activation_search.search.sweep import base_config
from activation_search.training.run import train

from ..files import NEEDS

pytestmark = pytest.mark.paints

FILES = sorted(p.relative_to(CONF) for p in CONF.rglob("*.yaml"))
OPTIONS = [f"{p.parent}={p.stem}" for p in FILES if p.parent.name]
OPTIONS += [f"model={name}" for name in BUILT_IN] + [f"data={name}" for name in DATA_OPTIONS]
SEARCHES = [option for option in OPTIONS if option.startswith("search=")]
QUICK = [
    "trainer.fast_dev_run=true",
    "trainer.progress=false",
    "trainer.accelerator=cpu",
    "data.batch_size=8",
]


def test_files_are_found() -> None:
    # Every test composes one of train.yaml and sweep.yaml, and base.yaml with it.
    top = {p.stem for p in FILES if not p.parent.name}
    assert top == {"base", "train", "sweep", "health", "compare", "discover"}
    assert {"model=cnn", "data=digits", "experiment=mnist1d_cnn", "search=gates"} <= set(OPTIONS)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o not in SEARCHES])
def test_composes_and_runs(option: str, files: Path) -> None:
    name = option.removeprefix("data=")
    # Tables and text are for some models alone.
    able = readers(SOURCES[name].sample or "series") if name in SOURCES else []
    model = [f"model={able[0]}"] if able and "cnn" not in able else []
    config: TrainConfig = compose([option, *model, *NEEDS.get(name, []), *QUICK, f"logs={files}"])
    assert train(config).status == "finished"


@pytest.mark.parametrize("option", SEARCHES)
def test_a_search_composes_and_its_first_point_runs(option: str, tmp_path: Path) -> None:
    model = "lstm" if option == "search=gates" else "mlp"
    config = compose([option, f"model={model}", *QUICK, f"logs={tmp_path}"], SweepConfig)
    base = base_config(config, "test")
    space = build_space(config.search, base, sites_on(config.model, config.data))
    point = next(iter(space.starts()))
    point |= {key: values.low for key, values in space.ranges.items()}
    assert train(space.apply(base, point)).status == "finished"
