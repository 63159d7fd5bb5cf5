"""The commands from Python."""

import math
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pydoc import locate
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

import activation_search as acts
from activation_search import api as api_module
from activation_search.activations import gains
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


def test_frames_go_by_the_names_of_their_columns() -> None:
    x, y, x_test, y_test = data()
    names = [f"c{n}" for n in range(x.shape[1])]
    frame, other = pd.DataFrame(x, columns=names), pd.DataFrame(x_test, columns=names)
    assert acts.arrays(frame, y, other[names[::-1]], y_test) == acts.arrays(frame, y, other, y_test)
    # Names that are numbers, as texts after they were in a file; one column has nothing to sort.
    counted, read = (
        pd.DataFrame(x),
        pd.DataFrame(x_test, columns=[str(n) for n in range(len(names))]),
    )
    one, two = pd.DataFrame({"y_train": y}), pd.DataFrame({"y_test": y_test})
    assert acts.arrays(counted, one, read, two) == acts.arrays(
        x, y[:, None], x_test, y_test[:, None]
    )
    with pytest.raises(UserError, match=r"x_test has the columns c1, .*, and x_train c0, c1, "):
        acts.arrays(frame, y, other[names[1:]], y_test)


def test_words_in_a_series() -> None:
    x, y, x_test, y_test = data()
    words, words_test = (pd.Series(np.where(v > 0, "yes", "no")) for v in (y, y_test))
    given = acts.arrays(x, words, x_test, words_test.astype(object))
    assert given == acts.arrays(x, list(words), x_test, list(words_test))
    words[1] = None
    with pytest.raises(UserError, match=r"^y_train holds \w+ among words, at 1\.$"):
        acts.arrays(x, words, x_test, words_test)


def test_arrays_are_taken_as_functions_return_them() -> None:
    x, y, x_test, y_test = data()
    given = torch.from_numpy(x).bfloat16().requires_grad_()
    found = acts.arrays(given, y, x_test, y_test)
    with np.load(found.path) as stored:
        np.testing.assert_array_equal(stored["x_train"], given.float().detach().numpy())
    with pytest.raises(UserError, match="x_train has masked values; fill them in"):
        acts.arrays(np.ma.masked_less(x, 0), y, x_test, y_test)
    with pytest.raises(UserError, match="x_train cannot be made an array"):
        acts.arrays([[1.0], [1.0, 2.0]], y, x_test, y_test)
    with pytest.raises(UserError, match="y_train holds nan among words, at 1"):
        acts.arrays(x, ["cat", math.nan, "dog"] * 20, x_test, ["cat"] * 20)


@pytest.mark.parametrize(
    "given",
    [torch.relu, torch.sin, torch.tanh, torch.nn.functional.gelu, torch.special.erf, nn.Softplus],
)
def test_functions_of_torch_are_found_again(given: Any) -> None:
    [_, target] = api_module._own_activation(given)
    assert locate(target.removeprefix("activation.target=")) is given


def test_an_object_is_no_function_that_workers_import(folder: Path) -> None:
    class Loader:
        def __call__(self) -> dict[str, Any]:
            return {}

    Loader.__module__ = "__main__"
    for command in (acts.train, acts.sweep, acts.compare):
        with pytest.raises(UserError, match="data must be a function or class at the top level"):
            command(data=Loader())


def test_train_and_load(folder: Path) -> None:
    result = acts.train("model=mlp", "activation=gelu", *QUICK, data=acts.arrays(*data()))
    assert result.status == "finished"
    assert set(result.assignment.values()) == {"gelu"}
    model = acts.load(f"{result.directory}/last.ckpt")
    assert model.predict(data()[2][:3]).shape == (3,)
    assert list(result.table["epoch"]) == [0]
    assert list(result.table["val_accuracy"]) == [result.metrics["val_accuracy"]]
    shown = result._repr_html_()
    assert "finished: mlp on arrays, seed 0" in shown
    assert '<td style="text-align: left">gelu</td>' in shown
    assert shown.count("<img") == 1
    [path] = acts.export(result.directory, "formula").paths
    assert path == Path(result.directory) / "export" / "activations.txt"


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
    shown = study._repr_html_()
    assert shown.index("gelu") < shown.index("relu")
    assert shown.count("<img") == 1
    assert "Nothing is proven" in shown
    assert (study.folder / "report.html").exists()
    study.folder.rename(study.folder.with_name("elsewhere"))
    assert "relu" in study._repr_html_()


def test_compare(folder: Path, pretended: Pretended) -> None:
    pretended(lambda config: [0.7 + 0.1 * (name_of(config) == "gelu") + config.seed / 1000])
    evidence = acts.compare("model=mlp", "candidates=[relu,gelu]", "seeds=6", *QUICK,
                            data=acts.arrays(*data()))  # fmt: skip
    table = evidence.table.set_index("candidate")
    assert table.loc["gelu", "difference"] == pytest.approx(0.1)
    assert table.loc["gelu", "verdict"] == "better"
    assert table.loc["relu", "verdict"] == ""
    shown = evidence._repr_html_()
    assert "Against relu, on 6 seeds of mlp on" in shown
    assert shown.count("<img") == 1  # the forest plot


def in_session(monkeypatch: pytest.MonkeyPatch, name: str, function: Any) -> Any:
    """The function as a notebook's cell defines it."""
    function.__module__, function.__qualname__ = "__main__", name
    monkeypatch.setattr(sys.modules["__main__"], name, function, raising=False)
    return function


def test_a_cell_that_runs_again_defines_another_function(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = [*QUICK[1:], "trainer.max_steps=1"]

    def load(classes: int) -> Callable[[], dict[str, np.ndarray]]:
        x, x_test = data()[0], data()[2]
        y, y_test = np.arange(60) % classes, np.arange(20) % classes
        return lambda: {"x_train": x, "y_train": y, "x_test": x_test, "y_test": y_test}

    def build(sites: int) -> Callable[[int], nn.Module]:
        functions = [nn.ReLU() for _ in range(sites)]
        return lambda outputs: nn.Sequential(nn.Linear(5, 8), *functions, nn.Linear(8, outputs))

    for number in (1, 2):
        result = acts.train(
            *few,
            data=in_session(monkeypatch, "load", load(2 + number)),
            model=in_session(monkeypatch, "build", build(number)),
        )
        assert len(result.assignment) == number
        assert result.parameters == 6 * 8 + 9 * (2 + number)


def test_an_activation_function_of_ones_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for height in (1.0, 3.0):
        wave = in_session(monkeypatch, "wave", lambda x, height=height: x + height * torch.sin(x))
        result = acts.train("model=mlp", *QUICK, data=acts.arrays(*data()), activation=wave)
        assert set(result.assignment.values()) == {"custom(target=__main__.wave)"}
        assert gains({"name": "custom", "target": "__main__.wave"}).backward < 1
    squared = 1 + height**2 * (1 + math.exp(-2)) / 2 + 2 * height * math.exp(-0.5)
    found = gains({"name": "custom", "target": "__main__.wave"}).backward
    assert found == pytest.approx(squared**-0.5, rel=1e-6)


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
    # Not a fork: here the package itself is imported first.
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=folder, check=True
    )
    assert "finished" in done.stdout
    assert "model=build was made in this session, which worker processes cannot" in done.stdout
