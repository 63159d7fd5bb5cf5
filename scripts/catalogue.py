"""The catalogue of activations as a table and a sheet of curves.

python scripts/catalogue.py                     # all of them
python scripts/catalogue.py gelu silu mish      # these, with --out sheet.png for the picture
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console

from activation_search.activations import ENTRIES, find
from activation_search.errors import UserError, exit_code


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="activations; all if none is named"
    )
    parser.add_argument("--out", type=Path, default=Path("logs/catalogue.png"), help="the picture")
    arguments = parser.parse_args()
    entries = [find(name) for name in arguments.names]
    if not entries:
        entries = [entry for entry in ENTRIES.values() if not entry.open_parameters]

    # Imported once the names are known to be right: torch takes seconds.
    from activation_search.activations.sheet import catalogue_table, draw_sheet

    console = Console()
    if not console.is_terminal:  # a file or a pipe has no width to fit into
        console = Console(width=200)
    console.print(catalogue_table(entries))
    try:
        arguments.out.parent.mkdir(parents=True, exist_ok=True)
        draw_sheet(entries).savefig(arguments.out, dpi=150)
    except OSError as error:
        raise UserError(f"Cannot write {arguments.out}: {error.strerror}.") from error
    console.print(f"curves and derivatives: {arguments.out}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(exit_code(main))
