"""``python scripts/export.py``."""

from pathlib import Path

import pytest

from .conftest import Command


@pytest.fixture
def run(train: Command, tmp_path: Path) -> Path:
    assert train("model=mlp", "model.width=8", "data=digits", "activation=prelu") == 0
    [checkpoint] = tmp_path.glob("train/*/*/last.ckpt")
    return checkpoint.parent


def test_export(run: Path, command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    assert command("scripts/export.py", str(run), "format=plain") == 0
    printed = capsys.readouterr().out
    assert "equal to predict within 0.0e+00 on 200 samples" in printed
    assert "float32 [B, 1, 8, 8], image on the data's own scale" in printed
    assert str(run / "export" / "model.py") in printed
    assert command("scripts/export.py", str(run / "last.ckpt"), "format=formula",
                   f"out={run / 'text'}") == 0  # fmt: skip
    assert "hidden1: prelu" in (run / "text" / "activations.txt").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["format=onx"], "Unknown format 'onx', did you mean 'onnx'?"),
        ([], "Name a format: format=onnx, plain, pt2, state_dict or formula."),
        (["fromat=onnx"], "Unknown setting 'fromat', did you mean 'format'?"),
        (["format"], "format needs a value"),
        (["format=onnx", "trust=yes"], "trust must be true or false, not 'yes'."),
    ],
)
def test_mistakes_are_a_sentence(
    arguments: list[str],
    sentence: str,
    tmp_path: Path,
    command: Command,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("scripts/export.py", str(tmp_path), *arguments) == 2
    assert sentence in capsys.readouterr().err
