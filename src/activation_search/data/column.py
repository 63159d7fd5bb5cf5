"""One column of a table, as the texts that stand in its file."""

from collections.abc import Sequence
from dataclasses import dataclass

from activation_search.errors import UserError


@dataclass(frozen=True)
class Column:
    """The texts of one column, without blanks around them.

    where: what errors name: the file. name: as the header gives it, or its place. named: the header
    gives one. lines: of the file, where each row ends. unit: what ``lines`` count, if no lines.
    """

    where: str
    name: str
    named: bool
    lines: Sequence[int]
    texts: list[str]
    unit: str = "line"

    def place(self, row: int) -> str:
        """``line 7``"""
        return f"{self.unit} {self.lines[row]}"

    def error(self, row: int, what: str) -> UserError:
        """A sentence about one row: ``my.csv, line 7: column price holds nothing``."""
        return UserError(f"{self.where}, {self.place(row)}: column {self.name} {what}")
