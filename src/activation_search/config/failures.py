"""Failed jobs of a multirun, told by files in its folder, since Hydra's launchers may run jobs in
other processes, or on other machines. Hydra is not imported."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from activation_search.atomic import write_text

FOLDER = ".failed"


@dataclass
class Failure:
    """A job that did not exit with 0.

    Attributes:
        job: its number.
        overrides: of its own.
        exit_code: see :func:`activation_search.errors.reported`.
        sentence: what went wrong; empty for a run that diverged, whose result says it.
    """

    job: int
    overrides: list[str]
    exit_code: int
    sentence: str = ""


def write_failure(failure: Failure, folder: Path) -> None:
    """Leaves it for the process that started the multirun in this folder."""
    path = folder / FOLDER / f"{failure.job}.json"
    path.parent.mkdir(exist_ok=True)
    write_text(path, json.dumps(asdict(failure)))


def take_failures(folder: Path) -> list[Failure]:
    """All of a multirun, by number; their files are removed."""
    failures = []
    for path in (folder / FOLDER).glob("[0-9]*.json"):
        failures.append(Failure(**json.loads(path.read_text())))
        path.unlink()
    with suppress(OSError):
        (folder / FOLDER).rmdir()
    return sorted(failures, key=lambda failure: failure.job)
