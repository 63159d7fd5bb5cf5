"""``python train.py``: one run, and what is said about it at the end."""

import math
import shlex

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activation_search.commands.alarms import print_alarms
from activation_search.config.overrides import as_override
from activation_search.config.run import TrainConfig
from activation_search.console import open_console, print_line
from activation_search.diagnostics.alarms import from_dicts
from activation_search.training.criterion import UNDEFINED
from activation_search.training.result import FINISHED, RunResult
from activation_search.training.run import RunInterrupted, train

MAX_ROWS = 8  # of sites in the summary


def run(config: TrainConfig) -> int:
    """Trains and prints the summary.

    Returns:
        0 for a finished run, 1 for one that diverged.
    """
    console = open_console()
    try:
        result = train(config)
    except RunInterrupted as stop:
        print_summary(stop.result, console)
        print_line(console, f"resume it with:  {_resume_command(stop.result)}")
        raise
    print_summary(result, console)
    return 0 if result.status == FINISHED else 1


def _resume_command(result: RunResult) -> str:
    """The command that resumes a run; code of the user's that it names has to be allowed again."""
    command = ["python", "train.py", f"resume={as_override(result.directory)}"]
    if result.parsed_config().import_paths():
        command.append("trust=true")
    return shlex.join(command)


def print_summary(result: RunResult, console: Console) -> None:
    """Metrics, time, the activation at each site, and where everything is."""
    table = Table(
        title=f"{result.status}: {_title(result)}", title_justify="left", show_header=False
    )
    if result.resumed_after is not None:
        table.add_row("resumed", f"after {result.resumed_after} epochs")
    elif result.config["resume"] == "auto":
        table.add_row("resumed", "nothing: no unfinished run of this configuration")
    if result.reason:
        table.add_row("reason", escape(result.reason))
    if result.data:
        table.add_row("data", escape(f"{result.data['samples']}, {result.data['task']}"))
        for name in ("columns", "note"):  # of a data set of the user's
            if name in result.data:
                table.add_row(name, escape(result.data[name]))
    for split, title in _SPLITS.items():
        # The metric that the run is judged by, the loss, then what else there is.
        names = dict.fromkeys([f"{split}_{result.metric}", f"{split}_loss", *result.metrics])
        for name in (n for n in names if n.startswith(split) and n in result.metrics):
            metric = name.removeprefix(f"{split}_")
            table.add_row(f"{title} {metric}", _value(metric, result.metrics[name]))
    per_step = 1000 * result.step_seconds
    length = f"{result.epochs} epochs, {result.steps} steps of {per_step:.2f} ms"
    early = ", stopped early" if result.stopped_early else ""
    table.add_row("time", f"{result.seconds:.1f} s, {length}{early}")
    own = result.activation_parameters
    learned = f", {own:,} of them in activations" if own else ""
    table.add_row("parameters", f"{result.parameters:,}{learned}")
    for sites, activation in _assignment(result.assignment):
        table.add_row(escape(sites), escape(activation))
    console.print(table)
    print_alarms(from_dicts(result.alarms), console)
    # Outside the table, whose width would cut them.
    print_line(console, f"run directory:  {result.directory}")
    print_line(
        console, f"see it with:    tensorboard --logdir {shlex.quote(result.config['logs'])}"
    )


def _value(metric: str, value: float) -> str:
    if math.isnan(value) and metric in UNDEFINED:
        return f"undefined: {UNDEFINED[metric]}"
    return f"{value:.4f}"


def _assignment(assignment: dict[str, str]) -> list[tuple[str, str]]:
    """Sites and their activation; of many sites those with the same one in one row."""
    if len(assignment) <= MAX_ROWS:
        return list(assignment.items())
    together: dict[str, list[str]] = {}
    for site, activation in assignment.items():
        together.setdefault(activation, []).append(site)
    return [
        (sites[0] if len(sites) == 1 else f"{sites[0]} … ({len(sites)} sites)", activation)
        for activation, sites in together.items()
    ]


_SPLITS = {"val": "validation", "test": "test"}


def _title(result: RunResult) -> str:
    config = result.parsed_config()
    return f"{config.model.label} on {config.data.name}, seed {config.seed}"
