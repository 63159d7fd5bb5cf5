"""The printed table and the sheet of curves."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from activation_search.activations import ENTRIES, find
from activation_search.reports.catalogue import (
    SHAPES,
    catalogue_table,
    describe_range,
    draw_sheet,
    in_families,
    sample_curve,
)

pytestmark = pytest.mark.paints


def test_table_has_a_row_per_entry() -> None:
    console = Console(width=250, file=io.StringIO(), record=True)
    entries = [find(name) for name in ("silu", "prelu", "swiglu")]
    console.print(catalogue_table(entries))
    text = console.export_text()
    for piece in (
        "= swish",
        "x s(x)",
        "[-0.2785, inf)",
        "1.677",
        "init=0.25",
        "weight from init",
        "2:1",
    ):
        assert piece in text


def test_ranges_in_words() -> None:
    assert describe_range(find("identity")) == "(-inf, inf)"
    assert describe_range(find("tanh")) == "[-1, 1]"


def test_sampled_curve_and_derivative() -> None:
    x, y, slope = sample_curve(find("relu2"))
    assert x[[0, 200, 400]].tolist() == pytest.approx([-4, 0, 4])
    assert y[[0, 400], 0].tolist() == [0, 16]
    assert slope[[0, 400], 0].tolist() == [0, 8]
    _, y, _ = sample_curve(find("crelu"))
    assert y[[0, 400]].tolist() == [[0, 4], [4, 0]]


def test_every_fixed_function_has_a_family_of_its_shape() -> None:
    families = in_families(list(ENTRIES.values()))
    assert "Others" not in families
    assert sum(map(len, families.values())) == len(ENTRIES) == 71
    assert {name for names in SHAPES.values() for name in names} <= set(ENTRIES)


@pytest.mark.parametrize(
    "names",
    [["gelu"], [n for n, e in ENTRIES.items() if not e.open_parameters]],
    ids=["one", "all"],
)
def test_sheet_has_one_panel_per_entry(names: list[str], tmp_path: Path) -> None:
    figure = draw_sheet([find(name) for name in names])
    drawn = [axes.texts[0].get_text() for axes in figure.axes if axes.axison]
    assert sorted(drawn) == sorted(names)
    figure.savefig(tmp_path / "sheet.png", dpi=40)
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")
