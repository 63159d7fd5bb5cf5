"""Alarms on the console, each with what to try against it."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from activation_search.diagnostics.alarms import Alarm


def print_alarms(alarms: Sequence[Alarm], console: Console, most: int = 3) -> None:
    """The alarms of each kind, and what to try against it.

    Args:
        alarms: all of them.
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
        tries = dict.fromkeys(remedy for alarm in places for remedy in alarm.remedies)
        if tries:
            console.print(f"  try  {escape('  '.join(tries))}\n", soft_wrap=True)
