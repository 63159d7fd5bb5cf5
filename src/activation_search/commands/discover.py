"""``python scripts/discover.py``: a search for formulas, and what is said about it at the end."""

import sys

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activation_search.config.discover import DiscoverConfig
from activation_search.console import open_console, print_line
from activation_search.discovery.discover import run_discover
from activation_search.discovery.found import Discovery
from activation_search.engine.runner import open_runner
from activation_search.reports.comparison_table import print_evidence
from activation_search.reports.content import TableData
from activation_search.reports.discovery_content import (
    drawn_sentences,
    finalists_table,
    gain_sentences,
)
from activation_search.reports.discovery_figures import write_pictures
from activation_search.reports.report import write_report


def run(config: DiscoverConfig) -> None:
    """Runs what is left of the search and prints what was found."""
    console = open_console()
    try:
        with open_runner(config, console) as runner:
            found = run_discover(config, runner)
    except KeyboardInterrupt:
        print("Stopped. All finished runs are kept; the same command resumes.", file=sys.stderr)
        raise
    print_discovery(found, console)
    for path in write_pictures(found):
        print_line(console, f"picture:  {path}")
    if found.evidence:
        for path in write_report(found.folder, config.import_paths()):
            print_line(console, f"report:   {path}")


def print_discovery(found: Discovery, console: Console) -> None:
    """The finalists, the verdict, and the best formula in every form."""
    plain = found.as_dict()
    for line in [*drawn_sentences(plain), *gain_sentences(plain), *found.notes]:
        print_line(console, line)
    if found.left:
        console.print(f"minutes are over, formulas left: {found.left}; the same command resumes")
        return
    if found.per_minute:
        console.print(f"{found.per_minute:.0f} formulas trained in a minute")
    console.print(_table(finalists_table(plain)))
    if found.evidence:
        print_evidence(found.evidence, console)
    if found.best:
        for name, text in found.best.description().items():
            print_line(console, f"{name + ':':9} {text}")
        # Plain print: brackets in an override are no markup.
        print(f"train it: {found.best.command}")


def _table(data: TableData) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title=data.title, title_justify="left")
    for column, heading in enumerate(data.headings):
        table.add_column(heading, overflow="fold", justify="left" if column < 2 else "right")
    for row in data.rows:
        table.add_row(*map(escape, row))
    return table
