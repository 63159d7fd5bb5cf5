"""``python scripts/health.py``: initial states side by side, in words and as a picture."""

import re
from datetime import datetime
from pathlib import Path

from matplotlib.figure import Figure
from rich import box
from rich.markup import escape
from rich.table import Table

from activation_search.commands.alarms import print_alarms
from activation_search.config.run import InitialConfig
from activation_search.console import open_console, print_line, print_table
from activation_search.diagnostics.figures import draw_initial_states
from activation_search.errors import UserError
from activation_search.reports.pictures import write_picture
from activation_search.training.initial import InitialState, initial_runs, inspect_initial_state


def run(config: InitialConfig) -> None:
    """Prints a table and a verdict per activation, and draws the picture.

    Raises:
        UserError: see :func:`inspect_initial_state`; or the picture cannot be written.
    """
    console = open_console()
    states = {
        label: inspect_initial_state(run_config)
        for label, run_config in initial_runs(config).items()
    }
    for label, state in states.items():
        print_table(console, _table(label, state), ("std of z", "dormant"))
        print_alarms(state.alarms, console)
        if not state.alarms:
            console.print("[bold green]healthy[/]  no alarm at initialisation\n")
    labels = re.sub(r"[^\w-]+", "_", "-".join(states))[:80]
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    name = f"{config.model.label}-{config.data.label}-{labels}-{stamp}"
    print_line(console, f"picture:  {_save(draw_initial_states(states), config, name)}")


def _table(label: str, state: InitialState) -> Table:
    title = f"{label} at initialisation"
    table = Table(title=escape(title), title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("layer or site")
    for heading in ("gradient norm", "std of z", "std of f(z)", "dead", "dormant", "saturated"):
        table.add_column(heading, justify="right")
    for name in dict.fromkeys([*state.gradients.layers, *state.sites]):
        layer, site = state.gradients.layers.get(name), state.sites.get(name)
        cells = [f"{layer.norm:.2e}" if layer else ""]
        if site:
            cells += [f"{site.z_std:.3g}", f"{site.h_std:.3g}"]
            cells += [f"{share:.0%}" for share in (site.dead, site.dormant, site.saturated)]
        table.add_row(name, *cells)
    return table


def _save(figure: Figure, config: InitialConfig, name: str) -> Path:
    path = Path(config.logs) / "health" / f"{name}.png"
    try:
        write_picture(figure, path)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror}.") from error
    return path
