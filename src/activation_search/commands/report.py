"""Writes a report to send around:  python scripts/report.py logs/compare/cnn-mnist1d

Of a comparison, a study or a multirun one HTML file with its pictures inside, and the same as
Markdown. Of runs (logs/train/…), side by side, the picture of their gradients and dead units over
time.
"""

import argparse
from pathlib import Path

from activation_search.console import ArgumentParser


def run() -> None:
    """Writes the files and prints their paths."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="logs/compare/<name>, logs/sweeps/<name> or logs/multirun/<time>; or runs, "
        "logs/train/<name>/<time>",
    )
    folders = parser.parse_args().folders

    # Imported once the arguments are known to be right: torch takes seconds.
    from activation_search.reports.pictures import write_picture
    from activation_search.reports.report import write_report
    from activation_search.reports.run_health import draw_run_health, read_run_health
    from activation_search.training.result import RESULT_FILE

    if len(folders) > 1 or (folders[0] / RESULT_FILE).exists():
        picture = draw_run_health([read_run_health(folder) for folder in folders])
        print(write_picture(picture, folders[-1] / "health.png"))
        return
    for path in write_report(folders[0]):
        print(path)
