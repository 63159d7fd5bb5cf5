"""``model=function`` with every command, on the example that the repository ships."""

import shutil
import sys
from pathlib import Path

import pytest

import activation_search
from activation_search.commands.sites import path_of
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.errors import UserError
from activation_search.models.factory import sites_on
from activation_search.reports.model_path import Step, draw_path
from activation_search.search.parse_space import build_space
from activation_search.search.sweep import base_config
from activation_search.user_code import find

from ...command import ROOT, Command
from ...program import python

OWN = ["model=function", "model.function=own_model.build", "model.args.width=4", "data=digits"]
QUICK = ["trainer.max_epochs=1", "trainer.accelerator=cpu"]


@pytest.fixture(autouse=True)
def example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the example's file in it."""
    shutil.copy(ROOT / "examples" / "own_model.py", tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, "own_model", raising=False)  # of an earlier test's folder
    find.cache_clear()
    return tmp_path


def test_sites(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("scripts/sites.py", *OWN) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    [line] = [line for line in lines if line[:1] == ["layer1_relu"]]
    code = (ROOT / "examples" / "own_model.py").read_text().splitlines()
    number = code.index("        out = self.relu(self.bn1(self.conv1(x)))") + 1
    assert line[1:] == ["relu", "4", "yes", "layer1.bn1", f"own_model.py:{number}"]
    assert command("scripts/sites.py", "model=lstm") == 0
    out = capsys.readouterr().out
    assert "lstm1_candidate" in out
    assert "where" not in out  # nothing is known of it


@pytest.mark.paints
def test_picture_of_the_path(
    command: Command, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("scripts/sites.py", "--picture", "sites.png", *OWN) == 0
    assert "picture:  sites.png" in capsys.readouterr().out
    assert (example / "sites.png").stat().st_size > 10_000
    figure = draw_path(path_of(compose(OWN)))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts[:3] == ["layer1", "layer2", "layer3"]
    assert texts[3:5] == ["relu", "relu, 4 channels, after stem"]
    assert command("scripts/sites.py", *OWN, "--picture", "sites.nosuch") == 2
    assert "--picture sites.nosuch must end in one of" in capsys.readouterr().err


def test_a_long_path_stands_in_columns() -> None:
    steps = [Step(f"layer{number}", "relu") for number in range(121)]
    columns = draw_path(steps).axes
    assert [len(axes.texts) // 2 for axes in columns] == [31, 31, 31, 28]


def test_train_and_load_elsewhere(
    command: Command, example: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*OWN, *QUICK, "activation=prelu", "activation.layers.layer1.relu=gelu",
                 "trainer.progress=false", "logs=logs"]  # fmt: skip
    assert command("train.py", *arguments) == 0
    out = capsys.readouterr().out
    assert "finished: build on digits" in out
    [path] = example.glob("logs/train/build-digits-prelu-per-layer/*/last.ckpt")
    with pytest.raises(UserError, match=r"names code.*own_model\.build"):
        activation_search.load(path)
    code = (
        f"import activation_search, torch; m = activation_search.load({str(path)!r}, trust=True); "
        "print(m.predict(torch.zeros(2, 8, 8)).shape, m.network.assignment_text['layer1_relu'])"
    )
    done = python("-c", code)
    assert done.stdout.strip() == "torch.Size([2, 10]) gelu", done.stderr
    elsewhere = example / "elsewhere"
    elsewhere.mkdir()
    done = python("-c", code, folder=elsewhere)
    assert "own_model.build names nothing callable" in done.stderr


def test_sweep(command: Command, example: Path, here: None) -> None:
    tied = "search.tie=[[layer1_*],[layer2_*],[layer3_*]]"
    arguments = [*OWN, *QUICK, "search=per_layer", "search.candidates=[relu,gelu]", "trials=3"]
    arguments += [tied, "logs=logs", "name=s"]
    assert command("scripts/sweep.py", *arguments) == 0
    assert "param:layer1_relu*" in (example / "logs/sweeps/s/trials.csv").read_text()
    model = example / "own_model.py"
    model.write_text(model.read_text() + "\n# changed\n")
    assert command("scripts/sweep.py", *arguments) == 2  # it asks something else now


def test_a_large_model_is_searched_by_stages() -> None:
    overrides = ["model=function", "model.function=tests.models.own.zoo.ResNet18"]
    overrides += ["model.args.divide=8", "data=digits", "search=per_layer"]
    config = compose(overrides, SweepConfig)
    base = base_config(config, "test")
    space = build_space(config.search, base, sites_on(config.model, config.data))
    assert [choice.sites[0] for choice in space.choices] == [
        "relu", "layer1_0_relu", "layer2_0_relu", "layer3_0_relu", "layer4_0_relu",
    ]  # fmt: skip
    assert len(space.choices[1].sites) == 4
    labels = ["relu", *(f"layer{stage}_*" for stage in (1, 2, 3, 4))]
    assert [choice.label for choice in space.choices] == labels
    applied = space.apply(base, dict.fromkeys(labels, "gelu"))
    assert applied.activation.as_dict()["layers"] == dict.fromkeys(labels, "gelu")


def test_a_resnet_on_cifar10(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    """Of files in the true format, see tests/data/sources/test_image_sets.py."""
    model = ["model=function", "model.function=tests.models.own.zoo.ResNet18"]
    arguments = [*model, "model.args={divide: 16, colours: 3}", "data=cifar10", "activation=prelu"]
    assert command("train.py", *arguments, *QUICK, "logs=logs") == 0
    out = capsys.readouterr().out
    assert "image [3, 32, 32]" in out
    assert "relu … (17 sites)" in out


@pytest.mark.parametrize("activation", ["default", "prelu"])
def test_own_prelus_and_a_site_of_training_alone(command: Command, activation: str) -> None:
    model = ["model=function", "model.function=tests.models.own.zoo.InTraining", "data=digits"]
    given = [f"activation={activation}"] if activation != "default" else []
    assert command("train.py", *model, *given, *QUICK, "logs=logs") == 0


def test_compare(command: Command, example: Path, trained: list[TrainConfig]) -> None:
    arguments = [*OWN, *QUICK, "candidates=[default,gelu]", "seeds=2", "logs=logs"]
    assert command("scripts/compare.py", *arguments) == 0
    assert (example / "logs/compare/build-digits/report.html").exists()
    assert len(trained) == 4


def test_health(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("scripts/health.py", *OWN, "activations=[relu,gelu]", "logs=logs") == 0
    assert "layer3_relu_1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        ("init=gain", "init=gain does not go with model=function"),
        ("model.function=null", "model=function needs model.function=my_module.my_function"),
        ("model.args.foo=1", "failed: TypeError: "),
        ("activation=swiglu", "no layer of this model can follow it"),
        ("model.sites=[nosuch]", "nosuch matches no site; sites: relu, layer1_relu"),
    ],
)
def test_mistakes(command: Command, example: Path, capsys, override: str, sentence: str) -> None:
    assert command("train.py", *OWN, *QUICK, override, "logs=logs") == 2
    error = capsys.readouterr().err
    assert sentence in error
    assert error.count("\n") == 1
    assert not (example / "logs").exists()


AUTOENCODER = """
from torch import nn


def build(outputs: int, end: str) -> nn.Module:
    layers = [nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, outputs)]
    return nn.Sequential(*layers, SoftCap() if end == "SoftCap" else getattr(nn, end)())


class SoftCap(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.tanh = nn.Tanh()

    def forward(self, x):
        return 0.5 * self.tanh(2 * x)
"""


@pytest.mark.parametrize(
    ("end", "code"), [("Tanh", 2), ("Sigmoid", 2), ("Identity", 0), ("SoftCap", 0)]
)
def test_an_autoencoder_leaves_its_last_function_to_the_task(
    command: Command, example: Path, capsys: pytest.CaptureFixture[str], end: str, code: int
) -> None:
    (example / "own_autoencoder.py").write_text(AUTOENCODER)
    own = ["model=function", "model.function=own_autoencoder.build", f"model.args.end={end}"]
    data = "data=digits_reconstruction"
    assert command("train.py", *own, *QUICK, data, "logs=logs") == code
    assert (f"ends in {end.lower()}, which the task puts itself" in capsys.readouterr().err) == (
        code == 2
    )
    assert (example / "logs").exists() == (code == 0)
    if code:
        assert command("scripts/sweep.py", *own, data, "trials=2", "logs=sweep") == code
        assert not (example / "sweep").exists()


def test_other_models_draw_by_gain(command: Command, capsys) -> None:
    assert command("train.py", "model=mlp", "data=digits", "init=own") == 2
    assert "init=own does not go with model=mlp" in capsys.readouterr().err
