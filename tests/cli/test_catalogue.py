"""``python scripts/catalogue.py``."""

from pathlib import Path

import pytest

from .conftest import Command

pytestmark = pytest.mark.paints


def test_named_activations(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picture = tmp_path / "new" / "sheet.png"
    assert command("scripts/catalogue.py", "gelu", "swish", "--out", str(picture)) == 0
    out = capsys.readouterr().out
    assert "2 activations" in out
    assert "1.534" in out
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_unknown_name(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("scripts/catalogue.py", "gleu") == 2
    assert "did you mean 'gelu'?" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    assert command("scripts/catalogue.py", "relu", "--out", str(tmp_path / "file" / "x.png")) == 2
    assert "Error: Cannot write" in capsys.readouterr().err


def test_names_as_torch_writes_them(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("scripts/catalogue.py", "LeakyReLU", "--out", str(tmp_path / "x.png")) == 0
    assert "leaky_relu" in capsys.readouterr().out
