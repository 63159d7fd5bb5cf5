"""Writes a report to send around:  python scripts/report.py logs/compare/cnn-mnist1d

One HTML file with its pictures inside, and the same as Markdown, in the folder of a comparison, of
a study or of a multirun.
"""

from pathlib import Path

from activation_search.console import ArgumentParser


def run() -> None:
    """Writes both files and prints their paths."""
    parser = ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "folder", type=Path, help="logs/compare/<name>, logs/sweeps/<name> or logs/multirun/<time>"
    )
    folder = parser.parse_args().folder

    # Imported once the arguments are known to be right: torch takes seconds.
    from activation_search.reports.report import write_report

    for path in write_report(folder):
        print(path)
