"""Tables in narrow windows."""

import io

import pytest
from rich.console import Console
from rich.table import Table

from activation_search.console import print_table


def printed(width: int, drop: tuple[str, ...]) -> str:
    table = Table(title="runs")
    for heading in ("candidate", "mean", "BCa interval", "verdict"):
        table.add_column(heading)
    table.add_row("gelu", "0.9613", "-0.0036 to +0.0072", "undecided")
    table.add_row("relu", "0.9595", "", "baseline")
    console = Console(file=io.StringIO(), width=width)
    print_table(console, table, drop, "the report")
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert max(map(len, text.splitlines())) <= width
    return text


@pytest.mark.parametrize(
    ("width", "gone"),
    [
        (80, ""),
        (54, "BCa interval"),
        (28, "BCa interval, mean"),
    ],
)
def test_columns_are_left_out_in_order(width: int, gone: str) -> None:
    text = " ".join(printed(width, ("BCa interval", "mean")).split())
    hint = f"Left out for want of room: {gone}; the report has them."
    assert (hint in text) == bool(gone)
    assert ("0.9613" in text) == ("mean" not in gone)
    assert ("+0.0072" in text) == (not gone)
    for kept in ("runs", "gelu", "undecided", "relu", "baseline"):
        assert kept in text


def test_what_may_not_be_left_out_is_wrapped() -> None:
    assert "Left out" not in printed(40, ())
    assert "Left out" not in printed(40, ("no such column",))
