"""What is written computes what ``predict`` does; what cannot be written leaves nothing behind."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from activation_search.config.compose import compose
from activation_search.data.encoding import InputColumn
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.exporting import export as export_module
from activation_search.exporting.export import FORMATS, Format, export_model
from activation_search.training.module import ActivationModule, to_hyperparameters

from ..command import ROOT
from .models import CLASSES, IMAGE, NUMBERS, SERIES, TOKENS, VARYING, Target, model

ENOUGH = 1e-5  # with float32's rounding
# Every model, kind of samples and of target, and every family of activations, each once or twice.
CASES = {
    "mlp": (IMAGE, Target("itself", 64), "model=mlp", "activation=prelu", "model.norm=batch"),
    "cnn": (SERIES, NUMBERS, "model=cnn", "activation=rrelu", "activation.layers.fc1=isru"),
    "lstm": (VARYING, Target("binary", 1), "model=lstm"),
    "transformer": (TOKENS, Target("next", 9), "model=transformer", "activation=swiglu"),
    "own": (IMAGE, CLASSES, "model=function", "model.function=examples.own_model.build",
            "activation=probact"),
}  # fmt: skip
FURTHER = {
    "image": (IMAGE, CLASSES, "model=cnn", "model.norm=batch", "activation=gelu_tanh"),
    "residual": (IMAGE, CLASSES, "model=mlp", "model.residual=true", "activation=pwlu"),
    "cell": (SERIES, CLASSES, "model=lstm", "activation=tanh",
             "activation.layers.lstm1_candidate=swiglu"),
    "fixed cell": (SERIES, CLASSES, "model=lstm", "activation=softsign"),
    "text": (TOKENS, Target("next", 9), "model=lstm"),
    "varying": (VARYING, CLASSES, "model=transformer", "model.norm=rms", "activation=maxmin"),
    "formula": (IMAGE, CLASSES, "model=mlp", "activation=formula",
                "activation.expr='x * sigmoid(b * x) + max(x, 0) / 3'"),
    "precise": (IMAGE, NUMBERS, "model=mlp", "trainer.precision=64-true", "activation=xielu"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))  # for the example's model


@pytest.mark.parametrize("case", CASES)
def test_onnx(case: str, tmp_path: Path) -> None:
    found = export_model(model(*CASES[case]), "onnx", tmp_path)
    assert found.paths == [tmp_path / "model.onnx"]
    assert found.difference is not None
    assert found.difference <= ENOUGH


@pytest.mark.parametrize("case", [*CASES, *FURTHER])
def test_plain(case: str, tmp_path: Path) -> None:
    found = export_model(model(*(CASES | FURTHER)[case]), "plain", tmp_path)
    assert [path.name for path in found.paths] == ["model.py", "model_weights.pt"]
    assert found.difference is not None
    assert found.difference <= ENOUGH
    text = found.paths[0].read_text()
    assert "import activation_search" not in text
    assert "from activation_search" not in text


def test_a_table_with_words_and_gaps(tmp_path: Path) -> None:
    columns = (
        InputColumn("age", "numbers", missing=2, median=31.5),
        InputColumn("town", "words", words=("Bern", "Chur")),
    )
    plain = to_hyperparameters(compose(["model=mlp"]), Sample("vector", (4,)), CLASSES, columns)
    ones = torch.ones(4, dtype=torch.float64)
    module = ActivationModule(**plain, mean=ones, std=ones).eval()
    found = export_model(module, "plain", tmp_path)
    assert found.difference is not None
    assert found.difference <= ENOUGH
    text = found.paths[0].read_text()
    assert '["age", "age missing", "town=Bern", "town=Chur"]' in text
    assert 'a missing value as {"age": 31.5} with its flag 1' in text


def test_pt2(tmp_path: Path) -> None:
    module = model(*CASES["cnn"])
    found = export_model(module, "pt2", tmp_path)
    x = 20 + 3 * torch.randn(7, 12, 2)
    program = torch.export.load(found.paths[0]).module()
    torch.testing.assert_close(program(x), module.predict(x))


def test_the_plain_file_stands_alone_and_trains(tmp_path: Path) -> None:
    module = model(*CASES["mlp"])
    export_model(module, "plain", tmp_path)
    x = 20 + 3 * torch.randn(4, 1, 8, 8)
    torch.save((x, module.predict(x)), tmp_path / "expected.pt")
    script = (
        "import sys, torch\n"
        "from model import load\n"
        "x, expected = torch.load('expected.pt')\n"
        "model = load()\n"
        "assert torch.allclose(model(x), expected, atol=1e-6)\n"
        "model.train()(x)[:, 0].sum().backward()\n"
        "assert all(p.grad.any() for n, p in model.named_parameters() if 'activations' in n)\n"
        "assert not any(name.startswith('activation_search') for name in sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True)


def test_state_dict_of_ones_own_model_has_its_keys(tmp_path: Path) -> None:
    from examples.own_model import SmallResNet

    module = model(IMAGE, CLASSES, "model=function", "model.function=examples.own_model.build")
    [path] = export_model(module, "state_dict", tmp_path).paths
    stored = torch.load(path, weights_only=True)
    own = SmallResNet(5)
    own.load_state_dict(stored["network"])
    x = 20 + 3 * torch.randn(3, 1, 8, 8)
    scaled = (x.double() - stored["scale"]["mean"]) / stored["scale"]["std"]
    found = own.eval()(scaled.float()).softmax(-1)
    torch.testing.assert_close(found, module.predict(x))


def test_formula(tmp_path: Path) -> None:
    layers = "activation.layers.hidden2={name: leaky_relu, negative_slope: 0.2}"
    module = model(IMAGE, CLASSES, "model=mlp", "model.width=3", "activation=prelu", layers)
    with torch.no_grad():
        module.network.get_parameter("activations.hidden1.weight").copy_(
            torch.tensor([0.5, -0.25, 2])
        )
    found = export_model(module, "formula", tmp_path)
    first, second, *_ = found.paths[0].read_text().split("\n\n")
    assert found.difference is None
    assert first.splitlines() == [
        "hidden1: prelu", "    x; a x", "    init = 0.25", "    sharing = channel",
        "    weight [3] = 0.5 -0.25 2",
    ]  # fmt: skip
    assert second.splitlines() == ["hidden2: leaky_relu", "    x; a x", "    negative_slope = 0.2"]


def test_a_channel_far_from_zero_is_taken_as_float64(tmp_path: Path) -> None:
    module = model(IMAGE, CLASSES, "model=mlp")
    module.scale.mean.fill_(1.7e9)  # seconds since 1970
    found = export_model(module, "plain", tmp_path)
    assert found.meaning["input"].startswith("float64 [B, 1, 8, 8]")
    assert found.difference == 0


class Wrong(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.full((len(x), 5), 0.2)


def test_what_computes_something_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(model: object, folder: Path) -> nn.Module:
        (folder / "wrong.txt").write_text("x")
        return Wrong()

    monkeypatch.setitem(FORMATS, "wrong", Format(write, ""))
    with pytest.raises(UserError, match="format=wrong computes something else than predict, by up"):
        export_model(model(IMAGE, CLASSES, "model=mlp"), "wrong", tmp_path / "new")
    assert not (tmp_path / "new").exists()


@pytest.fixture
def mlp() -> ActivationModule:
    return model(IMAGE, CLASSES, "model=mlp")


def test_names_of_formats(mlp: ActivationModule, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unknown format 'onx', did you mean 'onnx'"):
        export_model(mlp, "onx", tmp_path)
    with pytest.raises(UserError, match="format=pt2 is what takes its place"):
        export_model(mlp, "torchscript", tmp_path)


def test_a_missing_package_is_a_sentence(
    mlp: ActivationModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"needs onnxruntime: pip install -e '.\[exp"):
        export_model(mlp, "onnx", tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_an_earlier_export_is_kept_where_a_later_one_fails(
    mlp: ActivationModule, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [path] = export_model(mlp, "formula", tmp_path).paths
    monkeypatch.setattr(export_module, "LIMIT", -1.0)
    with pytest.raises(UserError, match="nothing was written"):
        export_model(mlp, "plain", tmp_path)
    assert list(tmp_path.iterdir()) == [path]
