"""``python scripts/compare.py``: a comparison, and what is said about it at the end."""

import sys

from activation_search.config.compare import CompareConfig
from activation_search.console import open_console, print_line
from activation_search.engine.runner import open_runner
from activation_search.evidence.compare import run_compare
from activation_search.reports.comparison_table import print_evidence
from activation_search.reports.mean_curves import MEAN_FOLDER
from activation_search.reports.report import write_report


def run(config: CompareConfig) -> None:
    """Trains what is missing, prints the tables, writes the report."""
    console = open_console()
    try:
        with open_runner(config, console) as runner:
            evidence, folder = run_compare(config, runner)
    except KeyboardInterrupt:
        print("Stopped. All finished runs are kept; the same command resumes.", file=sys.stderr)
        raise
    print_evidence(evidence, console)
    for path in write_report(folder, config.import_paths()):
        print_line(console, f"report:  {path}")
    if (means := folder / MEAN_FOLDER).exists():
        print_line(console, f"means:   tensorboard --logdir {means}")
