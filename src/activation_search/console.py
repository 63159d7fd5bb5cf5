"""The console that tables go to, and the command that runs on it."""

import argparse
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NoReturn

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activation_search.errors import UserError
from activation_search.passwords import without_password

PIPE_WIDTH = 240
SMALL = 1e-3  # below it four decimals hold a digit or none,
ROUNDING = 1e-15  # and here it is what is left of a difference of equal means


class PipedConsole(Console):
    """Leaves a reader that is gone, such as ``head``, to :func:`activation_search.errors.exit_code`
    as a plain print does."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


class ArgumentParser(argparse.ArgumentParser):
    """Whose mistakes are one sentence, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


def open_console() -> Console:
    """As wide as the terminal; a file or a pipe has no width that a table must fit into, unless
    ``COLUMNS`` says so."""
    # As text in a notebook too, where rich's progress bars need ipywidgets.
    console = PipedConsole(highlight=False, force_jupyter=False)
    if console.is_terminal:
        return console
    columns = os.environ.get("COLUMNS", "")
    width = int(columns) if columns.isdigit() and int(columns) else PIPE_WIDTH
    return PipedConsole(highlight=False, force_jupyter=False, width=width)


def print_table(
    console: Console, table: Table, drop: Sequence[str] = (), elsewhere: str = "a wider window"
) -> None:
    """A table without the columns that the window has no room for.

    Args:
        console: where to.
        table: with all its columns.
        drop: headings that may be left out, the least needed first.
        elsewhere: what has the whole table, for the hint.
    """
    unlimited = console.options.update(width=10_000)
    dropped: list[str] = []
    for heading in drop:
        if console.measure(table, options=unlimited).maximum <= console.width:
            break
        kept = [column for column in table.columns if column.header != heading]
        if len(kept) < len(table.columns):
            dropped.append(heading)
            rows, caption = table.rows, table.caption
            table = Table(*kept, title=table.title, title_justify="left", box=table.box,
                          caption=caption, caption_justify="left")  # fmt: skip
            table.rows = rows
    console.print(table)
    if dropped:
        hint = f"Left out for want of room: {', '.join(dropped)}; {elsewhere} has them."
        console.print(hint, style="dim")


def in_short(value: float, sign: str = "", decimals: int = 4) -> str:
    """A metric as tables show it: with four decimals, or two digits where those would be little but
    zeros, as of an error in a small unit; 1e-15 and less as 0.

    Args:
        value: of the metric, or a difference of two.
        sign: ``"+"`` where a difference has one.
        decimals: of a value that is not small.

    Example:
        in_short(0.98765), in_short(4.2e-6), in_short(0.0123, "+")  # 0.9877, 4.2e-06, +0.0123
    """
    small = ROUNDING < abs(value) < SMALL
    return format(value, f"{sign}.2g" if small else f"{sign}.{decimals}f")


def print_line(console: Console, text: str) -> None:
    """A line that may be longer than the window, with brackets as they are."""
    console.print(text, markup=False, soft_wrap=True)


def command_line() -> str:
    """The command that runs, as the README writes it, with ``***`` for a password."""
    script = Path(sys.argv[0])
    folder = "" if script.name == "train.py" else "scripts/"
    start = ["python", f"{folder}{script.name}"] if script.suffix else script.name.split()
    words = [*start, *sys.argv[1:]]
    return shlex.join(map(without_password, words))


def print_note(origin: Mapping[str, str], console: Console) -> None:
    """What a data set was taken for, in one line, where its file could mean something else."""
    if "note" in origin:
        console.print(escape(origin["note"]), soft_wrap=True)
