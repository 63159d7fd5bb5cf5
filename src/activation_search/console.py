"""The console that tables go to, and the command that runs on it."""

import shlex
import sys
from pathlib import Path

from rich.console import Console


def open_console() -> Console:
    """As wide as the terminal; a file or a pipe has no width that a table must fit into."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)


def command_line() -> str:
    """The command that runs, as the README writes it."""
    return shlex.join(["python", f"scripts/{Path(sys.argv[0]).name}", *sys.argv[1:]])
