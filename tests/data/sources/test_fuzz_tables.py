"""Generated tables: what is read is what was written, or one sentence says why not.

Values come first, then one of the ways to write them, then perhaps a damage. The same tables in
every run.
"""

import csv
import io
from collections import Counter
from decimal import Decimal
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from activation_search.config.data import CSVConfig
from activation_search.data.sources import csv_table

from ..fuzz import check, folder, generated, parts, read

NAMES = ("a", "2019", "2020", "size, in cm", "weight; kg", "länge", 'say "x"', "b|c", "Id 2")
WORDS = ("red", "blue, dark", "none", "x;y", "ÿ", "-")
DAMAGES = ("abc", "inf", "1,234.5", "1.2.3", "0x1F", "1_000")
# What no column holds, in place of what is missing: NaN is not equal to itself.
MISSING = 1e9
GAPS = ("", "NA", "--", "?", "none")


@st.composite
def tables(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(20, 32))
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique=True))
    cents = st.integers(-(10**6), 10**6)
    columns = [draw(st.lists(cents, min_size=rows, max_size=rows)) for _ in names[1:]]
    kind = draw(st.sampled_from(["words", "labels", "numbers"]))
    words = draw(st.permutations(WORDS))[:3]
    target = {
        "words": [words[i % 3] for i in range(rows)],
        "labels": [str(i % 3) for i in range(rows)],
        "numbers": [f"{Decimal(i * i + 1) / 100:.2f}" for i in range(rows)],
    }[kind]
    return {
        "names": names,
        "columns": columns,
        "kind": kind,
        "target": target,
        "separator": draw(st.sampled_from([",", ";", "\t", "|"])),
        "comma": draw(st.booleans()),
        "counts": draw(st.sampled_from([None, "", "index", "row"])),
        "end": draw(st.sampled_from(["\n", "\r\n", "\r"])),
        "quoted": draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "mark": draw(st.booleans()),
        "told": draw(st.booleans()),
        "trailing": draw(st.booleans()),
        "blank": draw(st.booleans()),
        "damage": draw(st.sampled_from(["no", "no", "no", "gap", "cell", "short", "cut", "byte"])),
        "gap": draw(st.sampled_from(GAPS)),
        "cell": draw(st.sampled_from(DAMAGES)),
        "place": draw(st.integers(0, 10**6)),
    }


def written(table: dict[str, Any]) -> bytes:
    def number(cents: int) -> str:
        plain = f"{Decimal(cents) / 100:.2f}"
        return plain.replace(".", ",") if table["comma"] else plain

    cells = [[number(column[i]) for column in table["columns"]]
             for i in range(len(table["target"]))]  # fmt: skip
    if table["damage"] == "cell":
        cells[table["place"] % len(cells)][0] = table["cell"]
    if table["damage"] == "gap":
        cells[table["place"] % len(cells)][0] = table["gap"]
    head = [*table["names"][1:], table["names"][0]]
    if table["counts"] is not None:
        head = [table["counts"], *head]
    lines = [head]
    for i, (row, target) in enumerate(zip(cells, table["target"], strict=True)):
        if table["kind"] == "numbers" and table["comma"]:
            target = target.replace(".", ",")
        lines.append([*([str(i)] if table["counts"] is not None else []), *row, target])
    if table["damage"] == "short":
        lines[1 + table["place"] % len(cells)].pop()
    if table["trailing"]:
        lines = [[*line, ""] for line in lines]
    if table["blank"]:
        lines.insert(3, [])
    out = io.StringIO(newline="")
    if table["told"]:
        out.write(f"sep={table['separator']}{table['end']}")
    csv.writer(out, delimiter=table["separator"], lineterminator=table["end"],
               quoting=table["quoted"]).writerows(lines)  # fmt: skip
    content = out.getvalue().encode("utf-8-sig" if table["mark"] else "utf-8")
    at = table["place"] % len(content)
    if table["damage"] == "cut":
        return content[:at]
    if table["damage"] == "byte":
        return content[:at] + b"\xff" + content[at:]
    return content


def test_tables() -> None:
    outcomes: Counter[str] = Counter()

    @generated(130)
    @given(tables())
    def each(table: dict[str, Any]) -> None:
        with folder() as place:
            (place / "my.csv").write_bytes(written(table))
            config = CSVConfig("csv", 64, 0.2, path=str(place / "my.csv"), target=table["names"][0])
            source = read(csv_table.load, config, place, outcomes)
        if table["damage"] in ("cell", "short", "byte"):
            assert source is None
        if source is None:
            assert table["damage"] not in ("no", "gap")
            return
        x, y = parts(source)
        if source.columns[0].missing:
            assert table["damage"] == "gap"
            assert x[:, 1].tolist() == np.isnan(x[:, 0]).tolist()
            x = np.delete(x, 1, axis=1)
        x = np.where(np.isnan(x), MISSING, x)
        names = source.target.names
        answers = [names[i] if names else str(i) for i in y] if table["kind"] != "numbers" else (
            [str(Decimal(v).quantize(Decimal("0.01"))) for v in y[:, 0]]
        )  # fmt: skip
        expected = [
            ([float(Decimal(column[i]) / 100) for column in table["columns"]], table["target"][i])
            for i in range(len(table["target"]))
        ]
        if table["damage"] == "gap":
            expected[table["place"] % len(expected)][0][0] = MISSING
        found = sorted(zip(x.tolist(), answers, strict=True))
        if (
            table["damage"] == "cut"
        ):  # a table that ends early is a shorter table, but for its last row
            assert len(found) < len(expected) or found == sorted(expected)
            whole = sorted(expected)
            assert sum(row not in whole for row in found) <= 1
        else:
            assert found == sorted(expected)

    each()
    check(outcomes, 25)
