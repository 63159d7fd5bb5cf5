"""What a column of a table holds: numbers, yes and no, words; or dates, which no network reads."""

import re

from activation_search.data.column import Column
from activation_search.data.numerals import is_missing, looks_like_number, short

YES_NO = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}

_MONTH = r"(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_TIME = r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?( ?[ap]\.?m\.?)?( ?(z|utc|[+-]\d\d:?\d\d))?"
_DAY = "|".join(
    [
        r"\d{4}(?P<a>[-/.])\d{1,2}(?P=a)\d{1,2}",  # 2024-01-31
        r"\d{1,2}(?P<b>[-/.])\d{1,2}(?P=b)(\d{4}|\d\d)",  # 31.01.2024, 1/31/24
        r"(19|20)\d\d-(0[1-9]|1[0-2])",  # 2024-01
        rf"\d{{1,2}}\.?[ -]?{_MONTH}[ ,-] ?(\d{{4}}|\d\d)",  # 31 Jan 2024
        rf"{_MONTH} \d{{1,2}},? \d{{4}}",  # Jan 31, 2024
    ]
)
_DATE = re.compile(rf"({_DAY})([t ] ?{_TIME})?|{_TIME}", re.ASCII | re.IGNORECASE)


def kind_of(column: Column) -> str:
    """What most of its values are; the missing ones do not count.

    Returns:
        ``"yes or no"`` where all are yes, no, true or false; ``"numbers"`` where more than half
        look like numbers; else ``"words"``.

    Raises:
        UserError: a column of dates.
    """
    present = [row for row, text in enumerate(column.texts) if not is_missing(text)]
    texts = [column.texts[row] for row in present]
    dates = [bool(_DATE.fullmatch(text)) for text in texts]
    if 2 * sum(dates) > len(texts):
        first = present[dates.index(True)]
        raise column.error(
            first,
            f"holds {short(column.texts[first])!r}, a date or time; leave the column out by "
            f"data.drop=[{column.name}], or write numbers, such as years since a fixed day.",
        )
    if all(text.lower() in YES_NO for text in texts):
        return "yes or no"
    return "numbers" if 2 * sum(map(looks_like_number, texts)) > len(texts) else "words"
