"""Alarms on the console, each with what to try against it."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape

from activation_search.diagnostics.alarms import Alarm
from activation_search.diagnostics.remedies import remedies


def print_alarms(
    alarms: Sequence[Alarm], config: Mapping[str, Any], console: Console, most: int = 3
) -> None:
    """The alarms of each kind, and what to try against it.

    Args:
        alarms: all of them.
        config: plain data of the run's configuration.
        console: where to.
        most: places per kind.
    """
    for kind in dict.fromkeys(alarm.kind for alarm in alarms):
        places = [alarm for alarm in alarms if alarm.kind == kind]
        for alarm in places[:most]:
            console.print(f"[bold red]alarm[/]  {escape(str(alarm))}", soft_wrap=True)
        if len(places) > most:
            others = ", ".join(alarm.where for alarm in places[most:])
            console.print(f"       the same at {others}", soft_wrap=True)
        console.print(f"  try  {escape('  '.join(remedies(kind, config)))}\n", soft_wrap=True)
