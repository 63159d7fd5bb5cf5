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
from activation_search.reports.discovery_figures import write_pictures
from activation_search.reports.report import write_report

SHOWN = 15  # finalists


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
    for arm, counts in found.counts.items():
        if counts.drawn:
            known = counts.duplicates / counts.drawn
            gated = sum(counts.gated.values()) / counts.drawn
            console.print(
                f"{arm}: {counts.drawn:,} formulas drawn, {known:.0%} of them known by their "
                f"values, {gated:.0%} no activations"
            )
    for note in found.notes:
        print_line(console, note)
    if found.left:
        console.print(f"minutes are over, formulas left: {found.left}; the same command resumes")
        return
    console.print(_table(found))
    if found.evidence:
        print_evidence(found.evidence, console)
    if found.best:
        for name, text in found.best.description().items():
            print_line(console, f"{name + ':':9} {text}")
        # Plain print: brackets in an override are no markup.
        print(f"train it: {found.best.command}")


def _table(found: Discovery) -> Table:
    table = Table(box=box.SIMPLE_HEAD, title="finalists on further seeds", title_justify="left")
    table.add_column("function", overflow="fold")
    headings = ["validation loss", found.metric][: 1 + (found.metric != "loss")]
    for heading in headings:
        table.add_column(heading, justify="right")
    table.add_column("made by")
    for finalist in found.finalists[:SHOWN]:
        table.add_row(
            escape(finalist.label),
            *(f"{value:.4f}" for value in (finalist.loss, finalist.metric)[: len(headings)]),
            "hand" if finalist.hand_made else "search",
        )
    return table
