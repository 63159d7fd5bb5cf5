"""``python scripts/health.py``, ``catalogue.py advise``, and what ``train.py`` says of illness."""

from pathlib import Path

import pytest

from .conftest import Command

pytestmark = pytest.mark.paints


def test_initial_states_side_by_side(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["model=mlp", "data=digits", "model.depth=10", "activations=[sigmoid,relu]"]
    assert command("scripts/health.py", *arguments, "init=torch", f"logs={tmp_path}") == 0
    out = capsys.readouterr().out
    sick, well = out.split("relu at initialisation")
    assert "vanishing_gradient at hidden1, step 0" in sick
    assert "try  activation=relu  activation=leaky_relu" in sick
    assert "vanishing_gradient" not in well
    [picture] = tmp_path.glob("health/*.png")
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "arguments",
    [
        ["model.depth=12", "activation=relu2", "init=he"],  # beyond any histogram
        ["model.width=1", "model.depth=10", "activation=sigmoid", "init=torch"],  # all the same
        ["activations=[{name: leaky_relu, negative_slope: 0.2}, relu]"],
    ],
)
def test_extreme_models_are_drawn_too(arguments: list[str], command: Command, tmp_path) -> None:
    base = ["model=mlp", "data=digits", f"logs={tmp_path}"]
    assert command("scripts/health.py", *base, *arguments) == 0
    [picture] = tmp_path.glob("health/*.png")
    assert "{" not in picture.name


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["activations=[gleu]"], "Unknown activation 'gleu', did you mean 'gelu'"),
        (["activations=gelu"], "activations must be a list"),
        (["activations=[{negative_slope: 0.2}]"], "name"),
        (["activatoins=[gelu]"], "'activatoins', did you mean 'activation"),
        (["model=mpl"], "Unknown model 'mpl', did you mean 'mlp'"),
    ],
)
def test_mistakes(
    arguments: list[str], message: str, command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("scripts/health.py", *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_sick_run_says_so(command: Command, tmp_path: Path, capsys) -> None:
    arguments = ["experiment=exploding_gradient", "trainer.accelerator=cpu", f"logs={tmp_path}"]
    assert command("train.py", *arguments) == 1
    out = capsys.readouterr().out
    assert "alarm: exploding_gradient at hidden1" in out  # once, while it runs
    assert out.count("alarm: ") == 1
    assert "try  optim.clip=1.0" in out.split("diverged: ")[1]


def test_advice(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("scripts/catalogue.py", "advise", "model=lstm") == 0
    out = capsys.readouterr().out
    assert "sigmoid" in out
    assert "arXiv:1503.04069" in out
    assert "transformer" not in out
    assert command("scripts/catalogue.py", "advise", "model=lsmt") == 2
    assert "did you mean 'lstm'" in capsys.readouterr().err
