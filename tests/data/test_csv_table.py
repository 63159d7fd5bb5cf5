"""Tables of the user's own: what they become, and a sentence for each that cannot be used."""

from pathlib import Path

import numpy as np
import pytest

from activation_search.data.config import CSVConfig
from activation_search.data.csv_table import load
from activation_search.data.splits import Source
from activation_search.errors import UserError

from ..files import write_csv


def read(path: Path, target: str | None = "y", target_kind: str = "auto") -> Source:
    return load(CSVConfig("csv", 64, 0.2, path=str(path), target=target, target_kind=target_kind))


def table(tmp_path: Path, *lines: str, head: str = "a,b,y") -> Path:
    """These lines, and twenty more of which each is right."""
    more = [f"{i},{i / 2},{i % 3}" for i in range(20)]
    path = tmp_path / "my.csv"
    path.write_text("\n".join([head, *lines, *more]))
    return path


def test_numbers(tmp_path: Path) -> None:
    source = read(write_csv(tmp_path / "houses.csv"), "price")
    assert (source.sample.shape, source.target.kind) == ((2,), "numbers")
    assert source.y_train is not None
    assert (source.x_train.shape, source.y_train.shape) == ((32, 2), (32, 1))
    rooms, age = source.x_train.T
    # The price follows from the row that it stands in.
    np.testing.assert_allclose(source.y_train[:, 0], 100 + 50 * rooms - age, atol=4)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_words_are_classes_and_delimiters_are_found(tmp_path: Path, delimiter: str) -> None:
    rows = [f"{i}{delimiter}{'red' if i % 4 else 'blue'}" for i in range(40)]
    path = tmp_path / "my.csv"
    path.write_text("\ufeff" + "\n".join([f"size{delimiter}colour", *rows]), encoding="utf-8")
    source = read(path, "colour")
    assert source.target.names == ("blue", "red")
    assert source.y_train is not None
    assert source.y_test is not None
    # Both parts have the same share of each class.
    assert (source.y_train.mean(), source.y_test.mean()) == (0.75, 0.75)


def test_whole_numbers(tmp_path: Path) -> None:
    assert read(table(tmp_path)).target.kind == "classes"
    assert read(table(tmp_path), target_kind="numbers").target.kind == "numbers"
    assert read(table(tmp_path), "a").target.size == 1  # twenty different ones, each once


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("1,abc,0", "line 2: column b holds 'abc', no number"),
        ("1,,0", "line 2: column b holds nothing; fill it in"),
        ("1,nan,0", "line 2: column b holds 'nan', no number"),
        ("1,1e999,0", "line 2: column b holds 1e999"),
        ("1,2", "line 2: 2 values for 3 columns"),
        ("1,2,", "line 2: column y holds nothing"),
        ("1,2,5", "column y holds the whole numbers 0, 1, 2, 5; labels go from 0 to K - 1"),
        ("1,2,3", "column y: class 3 has a single row"),
    ],
)
def test_a_sentence_for_each_wrong_line(tmp_path: Path, line: str, sentence: str) -> None:
    with pytest.raises(UserError, match=rf"my.csv.*{sentence}"):
        read(table(tmp_path, line))


def test_lines_are_counted_as_an_editor_counts_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"line 4: column b holds 'x'"):
        read(table(tmp_path, "", "", "1,x,0"))
    with pytest.raises(UserError, match=r"line 4: column b holds 'x'"):
        read(table(tmp_path, '"1\n",2,0', "1,x,0"))


def test_words_keep_what_they_hold(tmp_path: Path) -> None:
    words = ("blue, or\u2028so", "r\ned")
    rows = [f'{i},"{words[i % 2]}"' for i in range(40)]
    path = tmp_path / "my.csv"
    path.write_text("\r\n".join(["", "size,colour", *rows]), encoding="utf-8", newline="")
    assert read(path, "colour").target.names == words


def test_a_sentence_for_each_wrong_file(tmp_path: Path) -> None:
    for content, target, sentence in [
        (b"", "y", "is empty; its first line must name the columns"),
        (b"\xff\xfe\x00", "y", "cannot be read as text"),
        (b'a,y\n"' + b"1" * 200_000, "y", "line 2: field larger than field limit"),
        (b"0.5,1\n" * 20, "y", "its first line must name the columns, but holds 0.5"),
        (b"a,a\n1,2\n", "y", "has two columns named 'a'"),
        (b"a,y\n1,2\n", "y", "has 1 rows; 10 are the least"),
        (b"y\n" + b"1\n" * 20, "y", "has no column beside y"),
        (b"a,price\n" + b"1,2\n" * 20, "prize", "Unknown data.target of .* 'prize', did you mean"),
        (b"a,price\n" + b"1,2\n" * 20, None, "needs data.target=<column>; .* has a, price"),
    ]:
        path = tmp_path / "my.csv"
        path.write_bytes(content)
        with pytest.raises(UserError, match=sentence):
            read(path, target)
