"""Code that a file names is imported only if the user names or trusts it."""

import json
import re
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import yaml

import activation_search
from activation_search.config.compare import CompareConfig
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig, activation_imports
from activation_search.errors import UserError
from activation_search.evidence.candidates import parse_candidates
from activation_search.reports.comparison_figures import draw_functions
from activation_search.reports.report import write_report
from activation_search.training.result import FINISHED, STOPPED, RunResult
from activation_search.training.run import train
from activation_search.user_code import check_trusted, find

from .here import compared

Small = Callable[..., TrainConfig]
CUSTOM = {"name": "custom", "target": "m.curve"}


class Strange:
    """A module in the working folder that notes when it is imported.

    Args:
        name: of its own for each test, since data sets are read once per process.
    """

    def __init__(self, name: str):
        self.name, self.curve, self.load = name, f"{name}.curve", f"{name}.load"
        self.overrides = ["activation=custom", f"activation.target={self.curve}"]
        self.activation = {"name": "custom", "target": self.curve}
        Path(f"{name}.py").write_text(
            "import pathlib, torch, numpy as np\npathlib.Path('imported').touch()\n\n\n"
            "def curve(x):\n    return torch.sin(x)\n\n\n"
            "def load():\n    x = np.random.default_rng(0).normal(size=(40, 3))\n"
            "    y = np.arange(40) % 2\n"
            "    return {'x_train': x, 'y_train': y, 'x_test': x, 'y_test': y}\n"
        )

    def was_imported(self) -> bool:
        """Since the last call; forgets the module."""
        found = Path("imported").exists()
        Path("imported").unlink(missing_ok=True)
        sys.modules.pop(self.name, None)
        find.cache_clear()
        return found


@pytest.fixture
def strange(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Strange:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Strange(re.sub(r"\W", "_", f"strange_{tmp_path.name}"))


def stop(result: RunResult) -> Path:
    """The directory of a run, as if it had been stopped before its end."""
    replace(result, status=STOPPED).write()
    return Path(result.directory)


def test_named_or_trusted():
    check_trusted([], "file", trust=False)
    check_trusted(["a.b"], "file", trust=False, named=["a.b"])
    check_trusted(["a.b"], "file", trust=True)
    with pytest.raises(UserError, match=r"^file names code.*: c\.d, e\.f\. If you trust"):
        check_trusted(["e.f", "a.b", "c.d"], "file", trust=False, named=["a.b"])


@pytest.mark.parametrize(
    "given",
    [
        CUSTOM,
        [CUSTOM, "relu"],
        {"conv*": ["gelu", CUSTOM]},
        {"name": "relu", "layers": {"fc1": CUSTOM}},
    ],
)
def test_import_paths_of_activations_however_they_are_written(given: object):
    assert activation_imports(given) == {"m.curve"}


def test_import_paths_of_configurations():
    function = ["data=function", "data.function=m.load"]
    own = ["activation=custom", "activation.target=m.curve"]
    assert compose([*function, *own]).import_paths() == {"m.load", "m.curve"}
    assert compose(["model=mlp", "data=csv", "data.target=price"]).import_paths() == set()
    candidates = "candidates=[{name: custom, target: m.f}, relu]"
    assert compose([candidates], CompareConfig).import_paths() == {"m.f"}


@pytest.mark.parametrize("where", ["everywhere", "one site"])
def test_a_checkpoint(small: Small, strange: Strange, where: str):
    layers = f"activation.layers={{hidden1: {{name: custom, target: {strange.curve}}}}}"
    result = train(small(*(strange.overrides if where == "everywhere" else [layers])))
    path = Path(result.directory) / "last.ckpt"
    assert strange.was_imported()
    with pytest.raises(UserError, match=rf"last\.ckpt names code.*{strange.curve}.*trust=true"):
        activation_search.load(path)
    assert not strange.was_imported()
    model = activation_search.load(path, trust=True)
    assert strange.was_imported()
    assert model.predict(torch.zeros(2, 8, 8)).shape == (2, 10)


def test_a_checkpoint_of_own_data_names_nothing_that_a_prediction_needs(
    small: Small, strange: Strange
):
    result = train(small("data=function", f"data.function={strange.load}"))
    assert strange.was_imported()
    activation_search.load(Path(result.directory) / "last.ckpt")
    assert not strange.was_imported()


@pytest.mark.parametrize("what", ["activation", "data"])
def test_a_run_to_resume(small: Small, strange: Strange, what: str):
    data = ["data=function", f"data.function={strange.load}"]
    overrides = strange.overrides if what == "activation" else data
    first = train(small(*overrides))
    directory = stop(first)
    assert strange.was_imported()
    with pytest.raises(UserError, match=rf"names code.*{strange.name}"):
        train(small(f"resume={directory}"))
    assert not strange.was_imported()
    assert train(small(f"resume={directory}", "trust=true")).status == FINISHED
    stop(first)
    assert train(small(*overrides, "resume=auto")).resumed_after == 2  # the same command names it


def test_permission_does_not_come_from_the_file(small: Small, strange: Strange):
    directory = stop(train(small(*strange.overrides, "trust=true")))
    strange.was_imported()
    with pytest.raises(UserError, match="names code"):
        train(small(f"resume={directory}"))
    with pytest.raises(UserError, match="names code"):
        activation_search.load(directory / "best.ckpt")
    assert not strange.was_imported()


def test_candidates_in_files(small: Small, strange: Strange, tmp_path: Path):
    Path("mine.yaml").write_text(yaml.safe_dump(strange.activation))
    study = tmp_path / "sweeps" / "s"
    study.mkdir(parents=True)
    rows = [{"config": {"activation": {"name": "relu", "layers": {"hidden1": strange.activation}}}}]
    (study / "leaderboard.json").write_text(json.dumps({"rows": rows}))
    for item in ("mine.yaml", "s:1"):
        with pytest.raises(UserError, match=rf"^{item} names code.*{strange.curve}"):
            parse_candidates([item, "relu"], small())
        assert not strange.was_imported()
        assert len(parse_candidates([item, "relu"], small("trust=true"))) == 2
        # The same command line names it too.
        assert len(parse_candidates([item, strange.activation], small())) == 2


def test_a_report_draws_no_function_that_only_its_files_name(
    small: Small, strange: Strange, trained: list[TrainConfig], tmp_path: Path
):
    config = compose(
        [
            *("model=mlp", "data=digits", "trainer.max_epochs=1", "seeds=2", f"logs={tmp_path}"),
            f"candidates=[{{name: custom, target: {strange.curve}}}, relu]",
        ],
        CompareConfig,
    )
    evidence, folder = compared(config)
    [block] = evidence.blocks
    own = next(iter(block.arms.values()))
    for arm in block.arms.values():  # the run that is drawn is the own function's, whoever is best
        arm.directories = own.directories
    strange.was_imported()
    assert draw_functions(block) is None
    write_report(folder)
    assert not strange.was_imported()
    assert draw_functions(block, named=config.import_paths()) is not None
    assert strange.was_imported()
