"""What a column holds by its texts."""

import pytest

from activation_search.data.column import Column
from activation_search.data.kinds import kind_of
from activation_search.data.numerals import is_missing
from activation_search.errors import UserError


def column(*texts: str) -> Column:
    return Column("my.csv", "a", True, range(2, 2 + len(texts)), list(texts))


@pytest.mark.parametrize(
    ("texts", "kind"),
    [
        (["1", "2.5", "-3e4"], "numbers"),
        (["1", "", "NA", "?"], "numbers"),
        (["1,5", "2"], "numbers"),
        (["1,234.5", "$5", "7"], "numbers"),  # refused when they are read
        (["1", "2", "x"], "numbers"),
        (["0", "1", "1"], "numbers"),
        (["20240131", "20240201"], "numbers"),
        (["192.168.0.1", "10.0.0.1"], "numbers"),
        (["yes", "no", "", "YES"], "yes or no"),
        (["true", "False", "none"], "yes or no"),
        (["yes", "no", "maybe"], "words"),
        (["A1", "12", "B7", "3"], "words"),
        (["1", "x"], "words"),
        (["May", "June"], "words"),
        (["2024-W05", "2024-W06"], "words"),
        (["1-2", "3-4"], "words"),
        (["2024-01-31", "b", "c"], "words"),
    ],
)
def test_kinds(texts: list[str], kind: str) -> None:
    assert kind_of(column(*texts)) == kind


@pytest.mark.parametrize(
    "date",
    [
        "2024-01-31", "2024/1/31", "31.01.2024", "1/31/24", "31-01-2024", "2024-01",
        "31 Jan 2024", "31. January 2024", "31-Jan-24", "Jan 31, 2024", "september 3 2024",
        "2024-01-31 12:30", "2024-01-31T12:30:15.5Z", "2024-01-31 12:30:15+01:00", "12:30",
        "12:30:15", "1/31/2024 9:05 PM",
    ],
)  # fmt: skip
def test_dates_are_refused_with_the_way_out(date: str) -> None:
    with pytest.raises(UserError) as refused:
        kind_of(column("", date, date, "unknown"))
    assert str(refused.value) == (
        f"my.csv, line 3: column a holds '{date}', a date or time; leave the column out by "
        "data.drop=[a], or write numbers, such as years since a fixed day."
    )


def test_what_pandas_takes_for_missing_is_missing() -> None:
    from pandas._libs.parsers import STR_NA_VALUES

    assert len(STR_NA_VALUES) > 10
    assert [text for text in STR_NA_VALUES if not is_missing(text)] == []
    assert not is_missing("inf")
    assert not is_missing("0")
