"""``python scripts/data.py``: the table of the documentation, and what is said of one data set."""

from pathlib import Path

import pytest

from ..files import NEEDS
from .conftest import ROOT, Command

pytestmark = pytest.mark.paints


def test_the_page_holds_the_table(command: Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("scripts/data.py") == 0
    table = capsys.readouterr().out
    assert "| `mnist1d` | series | one of several classes: softmax | ✓ | ✓ | ✓ | ✓ |" in table
    assert "| `text` | tokens | each next character: softmax | · | · | ✓ | ✓ |" in table
    assert table in (ROOT / "docs" / "data.md").read_text()


PEOPLE = ROOT / "tests" / "data" / "tables" / "people.csv"


@pytest.mark.parametrize(
    ("overrides", "lines"),
    [
        (["data=digits"], ["image [1, 8, 8]", "1,150, 287, 360", "0: 142, 1: 145", "float32"]),
        (["data=mnist"], ["image [1, 28, 28]", "as uint8", "classes: softmax"]),
        (["data=text", "data.characters=50_000"], ["tokens [64]", "lstm, transformer", "gzip"]),
        (["data=digits", "data.reconstruct=true"], ["tanh", "8 principal components, mse"]),
        (["data=arrays", *NEEDS["arrays"]], ["series [12, 2]", "sha256"]),
        (
            ["data=csv", *NEEDS["csv"]],
            ["vector [2]", "numbers: linear output", "mae", "rooms, age", "kept as float64"],
        ),
        (
            ["data=csv", f"data.path={PEOPLE}", "data.target=survived", "data.drop=[name]"],
            ["vector [9]", "26, 6, 8", "age: 37", "port=Q"],
        ),
        (["data=image_folder", *NEEDS["image_folder"]], ["image [3, 12, 12]", "rose: 8, tulip"]),
        (["data=function", *NEEDS["function"]], ["series [10, 2]", "yes or no: sigmoid"]),
    ],
)
def test_one_data_set(
    overrides: list[str],
    lines: list[str],
    command: Command,
    files: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command("scripts/data.py", *overrides) == 0
    out = capsys.readouterr().out
    for line in lines:
        assert line in out


def test_mistakes(command: Command, files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "bad.csv").write_text("a,price\n" + "1,2.5\n" * 10 + "x,3.5\n")
    for overrides, sentence in [
        (["data=csv"], "This data set needs data.path=my.csv."),
        (["data=csv", "data.path=bad.csv", "data.target=price"],
         "bad.csv, line 12: column a holds 'x', no number; correct it"),
        (["data=csv", "data.path=bda.csv"], "nothing is there, did you mean bad.csv?"),
        (["data=digitz"], "Unknown data 'digitz', did you mean 'digits'?"),
        (["data=text", "data.contxt=3"], "Unknown data=text setting 'contxt', did you mean"),
    ]:  # fmt: skip
        assert command("scripts/data.py", *overrides) == 2
        assert sentence in capsys.readouterr().err


def test_what_is_left_out_is_said(
    command: Command, files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the table of the data, by the summary of a run, and before a study or a comparison starts;
    these two have nothing to train here, and are refused after that."""
    rows = [f"{i},{i * 7 % 5},{i % 2}" for i in range(40)]
    (files / "my.csv").write_text("\n".join(["id,a,y", *rows]))
    data = ["data=csv", "data.path=my.csv", "data.target=y", "model=mlp", f"logs={files}/logs"]
    for script, *more, code in (
        ("scripts/data.py", 0),
        ("train.py", "trainer.max_epochs=1", "trainer.progress=false", 0),
        ("scripts/sweep.py", "search.candidates=[relu]", 2),
        ("scripts/compare.py", "candidates=[relu]", "baseline=tanh", 2),
    ):
        assert command(str(script), *data, *map(str, more)) == code
        said = " ".join(capsys.readouterr().out.replace("\u2502", "").split())
        assert "Left out, since it only counts or names the rows: column id" in said
    assert not (files / "logs" / "sweeps").exists()


def test_a_class_that_only_the_test_part_has(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "animals.csv"
    # Where nothing is stratified the fifth row is one of the test part.
    rows = [f"{i / 8},{'zebra' if i == 4 else ('ant', 'bee')[i % 2]}" for i in range(20)]
    path.write_text("\n".join(["size,animal", *rows]))
    own = ["data=csv", f"data.path={path}", "data.target=animal", "data.stratify=false"]
    assert command("scripts/data.py", *own) == 0
    assert "zebra: 0" in capsys.readouterr().out
