"""What a report says, whatever it is written in."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from activation_search.reports.pictures import write_picture
from activation_search.training.result import versions


@dataclass
class TableData:
    """title, headings, and rows of text."""

    title: str
    headings: list[str]
    rows: list[list[str]]


@dataclass
class Picture:
    """title: says what is to be seen. path: below the report's folder."""

    title: str
    path: Path
    base64: str


@dataclass
class Content:
    """Everything that a report says, whatever it is written in."""

    title: str
    question: str
    verdicts: list[str] = field(default_factory=list)
    luck: str = ""
    tables: list[TableData] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    setting: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=versions)
    commands: list[str] = field(default_factory=list)


def flat(setting: dict[str, Any]) -> dict[str, str]:
    """Nested settings as ``key value, key value``, without what is not set."""
    return {
        name: ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
        if isinstance(value, dict)
        else str(value)
        for name, value in setting.items()
    }


def drawn(title: str, figure: Figure, name: str, folder: Path) -> Picture:
    """A picture that is drawn for the report, into its folder's ``figures``."""
    path = write_picture(figure, folder / "figures" / f"{name}.png")
    return picture_in(title, path, folder)


def picture_in(title: str, path: Path, folder: Path) -> Picture:
    """A picture that lies in the report's folder."""
    encoded = base64.b64encode(path.read_bytes()).decode()
    return Picture(title, path.relative_to(folder), encoded)
