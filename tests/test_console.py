"""Tables in narrow windows."""

import io
import math

import pytest
from rich.console import Console
from rich.table import Table

from activation_search.console import in_short, print_table


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


@pytest.mark.parametrize(
    ("value", "sign", "text"),
    [
        (0.98765, "", "0.9877"), (12345.678, "", "12345.6780"), (0.0, "", "0.0000"),
        (4.23e-6, "", "4.2e-06"), (-0.00032, "+", "-0.00032"), (0.0123, "+", "+0.0123"),
        (3e-17, "+", "+0.0000"), (math.nan, "", "nan"),
    ],
)  # fmt: skip
def test_a_metric_in_any_unit_has_digits(value: float, sign: str, text: str) -> None:
    assert in_short(value, sign) == text
