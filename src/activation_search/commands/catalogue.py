"""The catalogue of activations as a table and a sheet of curves.

python scripts/catalogue.py                     # all of them
python scripts/catalogue.py gelu silu mish      # these, with --out sheet.png for the picture
python scripts/catalogue.py advise model=lstm   # which one the field recommends where, and why
"""

from pathlib import Path

from rich import box
from rich.table import Table

from activation_search.activations import ENTRIES, find
from activation_search.console import ArgumentParser, open_console, print_line, print_table
from activation_search.errors import unknown
from activation_search.models.advice import HIDDEN_ADVICE, OUTPUTS


def run() -> None:
    """Prints the table and draws the curves."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="activations; all if none is named"
    )
    parser.add_argument("--out", type=Path, default=Path("logs/catalogue.png"), help="the picture")
    arguments = parser.parse_args()
    if arguments.names[:1] == ["advise"]:
        advise(arguments.names[1:])
        return
    # Imported here, since advice needs no pictures.
    from activation_search.reports.pictures import check_picture, write_asked

    check_picture(arguments.out, "--out")
    entries = [find(name) for name in arguments.names]
    if not entries:
        entries = [entry for entry in ENTRIES.values() if not entry.open_parameters]

    # Imported once the names are known to be right: torch takes seconds.
    from activation_search.reports.catalogue import catalogue_table, draw_sheet

    console = open_console()
    drop = ("reference", "learned", "parameters", "channels", "mean", "range")
    print_table(console, catalogue_table(entries), drop)
    write_asked(draw_sheet(entries), arguments.out)
    print_line(console, f"curves and derivatives: {arguments.out}")


def advise(given: list[str]) -> None:
    """Prints the recommendations for the models given as ``model=name``; for all if none is.

    Raises:
        UserError: there is no such model.
    """
    models = [text.removeprefix("model=") for text in given] or list(HIDDEN_ADVICE)
    for model in models:
        if model not in HIDDEN_ADVICE:
            raise unknown("model", model, HIDDEN_ADVICE)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("where", "choose", "because", "source"):
        table.add_column(heading)
    rows = [
        (f"{model} {advice.place}", advice) for model in models for advice in HIDDEN_ADVICE[model]
    ]
    rows += [(f"output: {advice.place}", advice) for advice in OUTPUTS]
    for place, advice in rows:
        table.add_row(place, ", ".join(advice.choose), advice.reason, advice.source)
    print_table(open_console(), table, ("source",))
    print("No activation is put on the output: the task owns it. Your data decides:")
    print(f"  python scripts/sweep.py model={models[0]} search=per_layer")
