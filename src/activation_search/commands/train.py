"""``python train.py``: one run, and what is said about it at the end."""

import math
import shlex

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activation_search.commands.alarms import print_alarms
from activation_search.config.hydra_main import Outcome
from activation_search.config.overrides import as_override
from activation_search.config.run import TrainConfig
from activation_search.console import open_console, print_line
from activation_search.diagnostics.alarms import from_dicts
from activation_search.reports.summary import summary, title
from activation_search.training.result import FINISHED, RunResult
from activation_search.training.run import RunInterrupted, train
from activation_search.training.task import mode_of


def run(config: TrainConfig) -> Outcome:
    """Trains and prints the summary.

    Returns:
        0 for a finished run, 1 for one that diverged; and the validation metric that the task is
        judged by, as it is: high is good for accuracy and R², low for errors and bits. For a
        diverged run it is the worst value, for a run without validation NaN.
    """
    console = open_console()
    try:
        result = train(config)
    except RunInterrupted as stop:
        print_summary(stop.result, console)
        print_line(console, f"resume it with:  {_resume_command(stop.result)}")
        raise
    print_summary(result, console)
    if result.status == FINISHED:
        return Outcome(0, result.metrics.get(f"val_{result.metric}", math.nan))
    return Outcome(1, -math.inf if mode_of(result.metric) == "max" else math.inf)


def _resume_command(result: RunResult) -> str:
    """The command that resumes a run; code of the user's that it names has to be allowed again."""
    command = ["python", "train.py", f"resume={as_override(result.directory)}"]
    if result.parsed_config().import_paths():
        command.append("trust=true")
    return shlex.join(command)


def print_summary(result: RunResult, console: Console) -> None:
    """Metrics, time, the activation at each site, and where everything is."""
    table = Table(
        title=f"{result.status}: {title(result)}", title_justify="left", show_header=False
    )
    for name, text in summary(result):
        table.add_row(escape(name), escape(text))
    console.print(table)
    print_alarms(from_dicts(result.alarms), console)
    # Outside the table, whose width would cut them.
    print_line(console, f"run directory:  {result.directory}")
    print_line(
        console, f"see it with:    tensorboard --logdir {shlex.quote(result.config['logs'])}"
    )
