"""The commands from Python."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import activation_search as acts
from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.search.leaderboard import rank

from .pretend import Score, name_of

QUICK = ["model.width=16", "trainer.max_epochs=1", "trainer.accelerator=cpu",
         "trainer.progress=false", "trainer.threads=1", "tensorboard.enabled=false"]  # fmt: skip
Pretended = Callable[[Score], list[TrainConfig]]


def data(seed: int = 0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, x_test = rng.normal(size=(60, 5)), rng.normal(size=(20, 5))
    return x, (x.sum(1) > 0).astype(int), x_test, (x_test.sum(1) > 0).astype(int)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine_api.py").write_text(
        "import numpy as np\nfrom torch import nn\n\n\n"
        "def build(outputs):\n"
        "    return nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, outputs))\n\n\n"
        "def load():\n"
        "    rng = np.random.default_rng(1)\n"
        "    x = rng.normal(size=(80, 5))\n"
        "    y = (x.sum(1) > 0).astype(int)\n"
        "    return dict(x_train=x[:60], y_train=y[:60], x_test=x[60:], y_test=y[60:])\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_arrays_are_written_once_by_their_content() -> None:
    x, y, x_test, y_test = data()
    first = acts.arrays(x, y, x_test, y_test)
    same = acts.arrays(torch.from_numpy(x), y.copy(), x_test, list(y_test))
    assert first == same
    assert acts.arrays(*data(1)) != first
    with np.load(first.path) as found:
        np.testing.assert_array_equal(found["x_train"], x)
        assert set(found.files) == {"x_train", "y_train", "x_test", "y_test"}
    with pytest.raises(UserError, match="x_validation and y_validation go together"):
        acts.arrays(x, y, x_test, y_test, x_validation=x)


def test_train_and_load(folder: Path) -> None:
    result = acts.train("model=mlp", "activation=gelu", *QUICK, data=acts.arrays(*data()))
    assert result.status == "finished"
    assert set(result.assignment.values()) == {"gelu"}
    model = acts.load(f"{result.directory}/last.ckpt")
    assert model.predict(data()[2][:3]).shape == (3,)


def test_own_functions(folder: Path) -> None:
    from mine_api import build, load  # type: ignore[import-not-found]

    result = acts.train("activation=prelu", *QUICK[1:], data=load, model=build)
    assert result.config["model"]["function"] == "mine_api.build"
    assert result.config["data"]["function"] == "mine_api.load"
    assert result.activation_parameters == 8


def test_sweep(folder: Path, pretended: Pretended) -> None:
    pretended(lambda config: [{"relu": 0.7, "gelu": 0.9}[name_of(config)]])
    study = acts.sweep("model=mlp", "search.candidates=[relu,gelu]", "trials=2", *QUICK,
                       data=acts.arrays(*data()))  # fmt: skip
    assert list(study.table["param:activation"]) == ["gelu", "relu"]
    assert list(study.table["mean"]) == [0.9, 0.7]
    assert [row.label for row in rank(study.study)] == ["gelu", "relu"]
    assert "gelu" in study._repr_html_()
    assert (study.folder / "report.html").exists()


def test_compare(folder: Path, pretended: Pretended) -> None:
    pretended(lambda config: [0.7 + 0.1 * (name_of(config) == "gelu") + config.seed / 1000])
    evidence = acts.compare("model=mlp", "candidates=[relu,gelu]", "seeds=6", *QUICK,
                            data=acts.arrays(*data()))  # fmt: skip
    table = evidence.table.set_index("candidate")
    assert table.loc["gelu", "difference"] == pytest.approx(0.1)
    assert table.loc["gelu", "verdict"] == "better"
    assert table.loc["relu", "verdict"] == ""
    assert "better" in evidence._repr_html_()


def test_functions_that_cannot_be_imported_are_a_sentence(folder: Path) -> None:
    with pytest.raises(UserError, match="must be a function or class at the top level"):
        acts.train(model=lambda: None)
    with pytest.raises(UserError, match="must be a function or class at the top level"):
        acts.train(data=3)  # type: ignore[arg-type]


def test_a_function_of_a_notebooks_own(folder: Path) -> None:
    script = (
        "import activation_search as acts\nfrom torch import nn\n\n\n"
        "def build(outputs):\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(),\n"
        "                         nn.Linear(8, outputs))\n\n\n"
        f"quick = {QUICK[1:]!r}\n"
        "print(acts.train('data=digits', *quick, model=build).status)\n"
        "try:\n    acts.sweep('data=digits', model=build)\n"
        "except Exception as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=True
    )
    assert "finished" in done.stdout
    assert "model=build was made in this session, which worker processes cannot" in done.stdout
