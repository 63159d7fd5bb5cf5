"""Tables of the user's own: what they become, and a sentence for each that cannot be used."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from activation_search.config.data import CSVConfig
from activation_search.data.sources.csv_table import load
from activation_search.data.splits import Source
from activation_search.errors import UserError

from ...files import write_csv


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
        ("1,inf,0", "line 2: column b holds 'inf', no number; correct it, or leave the line or"),
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


def lines(tmp_path: Path, *rows: str, encoding: str = "utf-8", end: str = "\n") -> Path:
    path = tmp_path / "my.csv"
    path.write_bytes(end.join(rows).encode(encoding))
    return path


def all_rows(source: Source) -> list[tuple[list[float], float]]:
    """Inputs and target of each row, of both parts, in the order of the inputs."""
    assert source.y_train is not None
    assert source.y_test is not None
    x = np.concatenate([source.x_train, source.x_test]).tolist()
    y = np.concatenate([source.y_train, source.y_test]).ravel().tolist()
    return sorted(zip(x, y, strict=True))


@pytest.mark.parametrize("counted", [",a,y", "Unnamed: 0,a,y", "index,a,y", "id,a,y", "n,a,y"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_column_that_counts_the_rows_is_left_out(
    tmp_path: Path, counted: str, first: int
) -> None:
    path = lines(tmp_path, counted, *(f"{i + first},{i * 7 % 5},{i % 2}" for i in range(40)))
    source = read(path)
    assert source.x_train.shape == (32, 1)
    assert sorted(set(source.x_train[:, 0].tolist())) == [0, 1, 2, 3, 4]
    assert source.origin["columns"] == "a"
    name = counted.split(",")[0] or "number 1"
    assert source.origin["note"] == (
        f"Left out, since it only counts or names the rows: column {name} "
        "(data.index=keep uses it)."
    )
    kept = load(CSVConfig("csv", 64, 0.2, path=str(path), target="y", index="keep"))
    assert kept.x_train.shape == (32, 2)
    assert "note" not in kept.origin


@pytest.mark.parametrize(
    ("head", "value", "used"),
    [
        (",a,y", lambda i: 39 - i, 1),  # written in another order than it was numbered in
        (",a,y", lambda i: f"Mazda {i}", 1),  # names of rows, as R writes them
        (",a,y", lambda i: i / 3, 2),  # a measurement
        (",a,y", lambda i: i % 9, 2),
        ("id,a,y", lambda i: 1000 + 3 * i, 1),
        ("id,a,y", lambda i: i // 2, 2),
        ("size,a,y", lambda i: 39 - i, 2),
        ("size,a,y", lambda i: i + 2, 2),
    ],
)
def test_what_is_an_index(
    tmp_path: Path, head: str, value: Callable[[int], object], used: int
) -> None:
    rows = [f"{value(i)},{i * 7 % 5},{i % 2}" for i in range(40)]
    assert read(lines(tmp_path, head, *rows)).x_train.shape == (32, used)


def test_a_table_of_nothing_but_an_index(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no column beside y but id, which only counts"):
        read(lines(tmp_path, "id,y", *(f"{i},{i % 2}" for i in range(40))))
    # What counts is an input where nothing else is.
    assert (
        len(all_rows(read(lines(tmp_path, "size,y", *(f"{i},{i % 2}" for i in range(40)))))) == 40
    )


def test_many_columns_are_named_in_short(tmp_path: Path) -> None:
    head = [f"c{i}" for i in range(30)]
    row = ",".join(["0.5"] * 29)
    path = lines(tmp_path, ",".join(head), *(f"{row},{i % 2}" for i in range(20)))
    shown = read(path, "c29").origin["columns"]
    assert shown.startswith("c0, c1, c2")
    assert shown.endswith("c19, … (29 columns)")


@pytest.mark.parametrize(
    ("values", "target_kind", "names"),
    [
        (["16777217", "16777218"], "classes", ("16777217", "16777218")),
        (["9007199254740993", "9007199254740992"], "classes",
         ("9007199254740992", "9007199254740993")),
        (["123456789012345678901", "123456789012345678902"], "classes",
         ("123456789012345678901", "123456789012345678902")),
        (["007", "7", "07"], "auto", ("007", "07", "7")),
        (["-1", "+3"], "classes", ("-1", "3")),
        (["-", "+"], "auto", ("+", "-")),
        (["none", "scratch"], "auto", ("none", "scratch")),
        (["NA", "EU"], "classes", ("EU", "NA")),
        (["1", "2", "three"], "auto", ("1", "2", "three")),
        (["5%", "7%"], "classes", ("5%", "7%")),
    ],
)  # fmt: skip
def test_classes_are_what_is_written(
    tmp_path: Path, values: list[str], target_kind: str, names: tuple[str, ...]
) -> None:
    given = [values[i % len(values)] for i in range(60)]
    source = read(lines(tmp_path, "x,y", *(f"{i / 2},{g}" for i, g in enumerate(given))),
                  target_kind=target_kind)  # fmt: skip
    assert source.target.names == names
    assert [names[int(y)] for _, y in all_rows(source)] == [g.lstrip("+") or "+" for g in given]


@pytest.mark.parametrize("row", [0, 1, 37])
@pytest.mark.parametrize("gap", ["NA", "n/a", "NaN", "null", "None", "-", "?", "inf", "#DIV/0!"])
@pytest.mark.parametrize("target_kind", ["auto", "classes", "numbers"])
def test_a_gap_in_the_target_is_refused_wherever_it_stands(
    tmp_path: Path, row: int, gap: str, target_kind: str
) -> None:
    for values in ([f"{i / 8}" for i in range(40)], [f"{i % 2}" for i in range(40)]):
        values[row] = gap
        path = lines(tmp_path, "x,y", *(f"{i / 2},{v}" for i, v in enumerate(values)))
        with pytest.raises(UserError, match=rf"line {row + 2}: column y holds '.*', a missing val"):
            read(path, target_kind=target_kind)


def test_a_gap_among_words(tmp_path: Path) -> None:
    rows = [f"{i / 2},{'NA' if i == 3 else 'ab'[i % 2]}" for i in range(40)]
    with pytest.raises(UserError, match=r"line 5: column y holds 'NA'.*data.target_kind=classes"):
        read(lines(tmp_path, "x,y", *rows))


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_decimal_commas(tmp_path: Path, separator: str) -> None:
    values = [(i - 20) / 8 for i in range(40)]
    rows = [separator.join((f"{v}".replace(".", ","), f"{i}", f"{2 * v}".replace(".", ",")))
            for i, v in enumerate(values)]  # fmt: skip
    source = read(lines(tmp_path, separator.join("abc"), *rows), "c")
    assert source.target.kind == "numbers"
    assert source.x_train.dtype == np.float64
    assert all_rows(source) == [([v], 2 * v) for v in values]  # b counts


def test_commas_of_quoted_numbers_and_of_thousands(tmp_path: Path) -> None:
    quoted = [f'"{i},5",{i % 2}' for i in range(20)]
    assert all_rows(read(lines(tmp_path, "a,y", *quoted))) == [
        ([i + 0.5], i % 2) for i in range(20)
    ]
    # Where semicolons part, a comma is the decimal sign.
    three = [f"{i + 1},125;{i % 2}" for i in range(20)]
    assert read(lines(tmp_path, "a;y", *three)).x_train.max() <= 20.125
    for rows, sentence in [
        ([f'"{i + 1},125",{i % 2}' for i in range(20)], "holds '1,125', whose comma may part"),
        ([f'"1,234.5",{i % 2}' for i in range(20)], "holds '1,234.5'; write the number without th"),
        ([f'"{i},5",{i / 4}' for i in range(20)],
         r"line 2: column a holds '0,5', but column y '0.0' \(line 2\); write all numbers with"),
    ]:  # fmt: skip
        with pytest.raises(UserError, match=sentence):
            read(lines(tmp_path, "a,y", *rows), target_kind="auto")


def test_points_between_semicolons(tmp_path: Path) -> None:
    """Where a comma would be the decimal sign a point may part thousands."""
    other = [f"{i % 2}" for i in range(20)]
    for first in (["999", "1.250", "12.500"], ["12.500", "7", "-1.250"],
                  ["125.000", "132.100", "118.250"]):  # fmt: skip
        rows = [f"{first[i % 3]};{y}" for i, y in enumerate(other)]
        with pytest.raises(UserError, match=r"column a holds '1.*', whose point may part"):
            read(lines(tmp_path, "a;y", *rows))
    # Decimals alone: of another length, below one, or in another column.
    for values in (["1.250", "2.5", "3"], ["0.125", "1.250", "2"], ["1.250", "0.500", "3.125"]):
        rows = [f"{values[i % 3]};{y}" for i, y in enumerate(other)]
        assert read(lines(tmp_path, "a;y", *rows)).x_train.max() < 4
    rows = [f"{['1.250', '2', '3.125'][i % 3]};{i / 8};{y}" for i, y in enumerate(other)]
    assert read(lines(tmp_path, "a;b;y", *rows)).x_train.max() < 4


@pytest.mark.parametrize("value", ["1.234,5", "1 234", "5%", "$5", "1,234,567"])
def test_dressed_numbers_are_no_classes(tmp_path: Path, value: str) -> None:
    rows = [f"{i};{value if i % 3 else '4'}" for i in range(40)]
    with pytest.raises(UserError, match=rf"line 3: column y holds '{re.escape(value)}'; write num"):
        read(lines(tmp_path, "x;y", *rows))


def test_whole_numbers_that_float64_would_round(tmp_path: Path) -> None:
    rows = [f"{2**53 + i},{i % 2}" for i in range(20)]
    with pytest.raises(UserError, match=r"line 3: column x holds 9007199254740993, which float64"):
        read(lines(tmp_path, "x,y", *rows))


@pytest.mark.parametrize(
    ("head", "row", "end", "prefix"),
    [
        ("2019,2020,price", "{},{},{}", "\n", ""),
        ("2019;2020;price", "{};{};{}", "\r\n", ""),
        ("2019,2020,price", "{},{},{}", "\r\n", "\ufeff"),
        ("2019;2020;price", "{};{};{}", "\n", "sep=;\n"),
        ("2019|2020|price", "{}|{}|{}", "\n", "\ufeffsep=|\n"),
        ('"2019","2020","price"', '"{}","{}","{}"', "\n", ""),
        ('"a;1","b;2","price"', "{}, {}, {}", "\n", ""),
        ('"a,1";"b,2";"price"', "{};{};{}", "\n", ""),
        ("a, in cm;b, in kg;price", "{};{};{}", "\n", ""),
        ("a,b,price,", "{},{},{},", "\n", ""),
        ("a,b,price", "{},{},{},,", "\r", ""),
        ("\n\na\tb\tprice", "\n{}\t{}\t{}", "\n", ""),
        (",,\na,b,price", ",,\n{},{},{}", "\n", ""),
    ],
)  # fmt: skip
def test_ways_to_write_the_same_table(
    tmp_path: Path, head: str, row: str, end: str, prefix: str
) -> None:
    values = [(i * 3 % 7 + 0.5, i % 4 - 1, i / 8) for i in range(20)]
    path = tmp_path / "my.csv"
    path.write_bytes((prefix + end.join([head, *(row.format(*v) for v in values)])).encode())
    assert all_rows(read(path, "price")) == sorted(([a, b], y) for a, b, y in values)


@pytest.mark.parametrize("first", ['sep="', "sep=5", "sep=", "sep=ab"])
def test_a_first_line_that_gives_no_separator(tmp_path: Path, first: str) -> None:
    rows = [f"{i / 4},{i % 2}" for i in range(20)]
    with pytest.raises(UserError, match=r"my\.csv"):
        read(lines(tmp_path, first, "a,y", *rows))


def test_a_header_of_numbers_needs_the_target(tmp_path: Path) -> None:
    rows = [f"{i / 4},{i % 3},{i % 2}" for i in range(20)]
    assert read(lines(tmp_path, "2019,2020,2021", *rows), "2021").origin["columns"] == "2019, 2020"
    with pytest.raises(UserError, match=r"first line must name the columns, but holds 2019"):
        read(lines(tmp_path, "2019,2020,2021", *rows), "2022")
    with pytest.raises(UserError, match=r"first line must name the columns, but holds 0.5"):
        read(lines(tmp_path, "0.5,1,0", *rows), "1")


def test_pipes_and_folders_are_no_tables(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    for path, sentence in [
        (tmp_path / "pipe.csv", "pipe.csv is a pipe, socket or device; it must be a file"),
        (Path("/dev/zero"), "/dev/zero is a pipe, socket or device"),
        (tmp_path, "is a folder; it must be a file, such as my.csv"),
    ]:
        with pytest.raises(UserError, match=sentence):
            read(path)
