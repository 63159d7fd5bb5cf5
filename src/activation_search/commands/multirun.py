"""What is said at the end of ``python train.py -m``: which configuration is the best."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from activation_search.config.failures import Failure
from activation_search.console import open_console, print_line, print_table
from activation_search.errors import print_error
from activation_search.search.leaderboard import DROPPED_FIRST, leaderboard_table, write_csv
from activation_search.search.multirun import rank_runs


def run(folder: Path, failures: Sequence[Failure]) -> None:
    """Prints a ranked table per data set, and which jobs were refused; writes ``trials.csv``."""
    rankings = rank_runs(folder)
    console = open_console()
    for data, sweep in rankings.items():
        table = leaderboard_table(sweep.rows, sweep.metric)
        table.title = f"{table.title} on {data}"
        print_table(console, table, DROPPED_FIRST, "trials.csv")
        name = "trials.csv" if len(rankings) == 1 else f"trials-{data}.csv"
        write_csv(sweep.rows, folder / name)
    if rankings:
        print_line(console, f"multirun:       {folder}")
        print_line(console, f"see its runs:   tensorboard --logdir {shlex.quote(str(folder))}")
    if len(rankings) == 1:
        report = f"python scripts/report.py {shlex.quote(str(folder))}"
        print_line(console, f"its report:     {report}")
    # Once more, since they were printed while jobs ran, or where other processes print.
    for failure in failures:
        if failure.sentence:
            own = " ".join(_varied(failure.overrides))
            print_error(f"job {failure.job} ({own}): {failure.sentence}")


def _varied(overrides: list[str]) -> list[str]:
    """Those for which the command line has several values; all of them where it has for none."""
    several = {word.partition("=")[0] for word in sys.argv if "," in word or "(" in word}
    return [o for o in overrides if o.partition("=")[0] in several] or overrides
