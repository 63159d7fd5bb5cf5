"""One column of a table, as the texts that stand in its file."""

from dataclasses import dataclass
from pathlib import Path

from activation_search.errors import UserError


@dataclass(frozen=True)
class Column:
    """The texts of one column, without blanks around them.

    path: of the file. name: as the header gives it, or its place. named: the header gives one.
    lines: of the file, where each row ends.
    """

    path: Path
    name: str
    named: bool
    lines: list[int]
    texts: list[str]

    def error(self, row: int, what: str) -> UserError:
        """A sentence about one row: ``my.csv, line 7: column price holds nothing``."""
        return UserError(f"{self.path}, line {self.lines[row]}: column {self.name} {what}")
