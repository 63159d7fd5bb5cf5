"""``python scripts/sweep.py``: a study, and what is said about it at the end."""

import sys

from rich.console import Console
from rich.markup import escape

from activation_search.config.search import SweepConfig
from activation_search.console import in_short, open_console, print_line, print_table
from activation_search.engine.runner import open_runner
from activation_search.evidence.confirm import confirm
from activation_search.passwords import without_password
from activation_search.reports.comparison_table import print_evidence
from activation_search.reports.mean_curves import MEAN_FOLDER
from activation_search.reports.report import write_report
from activation_search.reports.study_figures import write_figures
from activation_search.search.leaderboard import (
    DROPPED_FIRST,
    leaderboard_table,
    reproduce,
    size_of_luck,
)
from activation_search.search.sweep import Sweep, run_sweep


def run(config: SweepConfig) -> None:
    """Runs what is left of the study and prints its leaderboard."""
    console = open_console()
    with open_runner(config, console) as runner:
        try:
            sweep = run_sweep(config, runner)
        except KeyboardInterrupt:
            print(
                f"Stopped. All finished trials are kept in {config.logs}/sweeps; the same command "
                "resumes.",
                file=sys.stderr,
            )
            raise
        print_sweep(sweep, console)
        try:
            if config.confirm and not sweep.left:
                print_evidence(confirm(sweep, config, runner), console)
        finally:
            for path in write_report(sweep.folder, config.import_paths()):
                print_line(console, f"report:         {path}")
            if (means := sweep.folder / MEAN_FOLDER).exists():
                print_line(console, f"mean curves:    tensorboard --logdir {means}")


def print_sweep(sweep: Sweep, console: Console) -> None:
    """The leaderboard, the size of luck, how to repeat the best, and where everything is."""
    rows = sweep.rows
    if sweep.nothing_to_do:
        console.print(
            f"study {escape(sweep.study.study_name)} is complete: nothing was run; "
            "raise trials=… to resume it"
        )
    if sweep.left:
        console.print(f"minutes are over, trials left: {sweep.left}; the same command resumes")
    print_table(console, leaderboard_table(rows, sweep.metric), DROPPED_FIRST, "trials.csv")
    if failures := sweep.failures:
        failed = f"{len(failures)} of {len(rows)} rows failed, the first with: {failures[0]}"
        print_line(console, failed)
    luck = size_of_luck(rows, sweep.mode)
    if luck is not None:
        copies = next(len(row.means) for row in rows if row.control)
        console.print(
            f"size of luck: the best of {copies} copies of the baseline is {in_short(luck)} better "
            "than the median copy; a difference of that size between rows can be chance alone"
        )
    for path in write_figures(sweep):
        print_line(console, f"picture:        {path}")
    print_line(console, f"study:          {sweep.folder}")
    print_line(console, f"see its runs:   tensorboard --logdir {sweep.folder}")
    print_line(console, f"see its trials: optuna-dashboard {without_password(sweep.dashboard)}")
    for number, row in enumerate(rows[:3], start=1):
        if row.config:
            # Plain print: brackets in an override are no markup.
            print(f"repeat rank {number}:  {reproduce(row)}")
    if len(rows) > 3:
        print_line(console, f"repeat others:  {sweep.folder / 'trials.csv'}")
