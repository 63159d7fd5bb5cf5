"""The console that tables go to."""

from rich.console import Console


def open_console() -> Console:
    """As wide as the terminal; a file or a pipe has no width that a table must fit into."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=200)
