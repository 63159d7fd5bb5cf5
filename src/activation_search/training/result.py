"""What a run leaves behind: ``result.json``."""

import json
import math
import os
import platform
import socket
import subprocess
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

RESULT_FILE = "result.json"
RUNNING, FINISHED, DIVERGED = "running", "finished", "diverged"
STOPPED, FAILED, PRUNED = "stopped", "failed", "pruned"


@dataclass
class RunResult:
    """Plain numbers about one run.

    directory: where it was written.
    config: the whole configuration.
    status: ``running``; ``finished``; ``diverged`` (a loss stopped being finite); ``stopped`` (by
        a signal); ``failed`` (by an error); ``pruned`` (by a study). A stopped, failed or killed
        run can be resumed.
    reason: why it diverged, stopped or failed.
    metrics: final ``val_…`` and ``test_…`` values. metric: the one that the task is judged by.
    evaluated: which weights those are of: ``last``, or ``best`` on the validation split where
        early stopping chose them.
    resumed_after: epochs that the interrupted run had done which this one went on with, or none.
    stopped_early: whether early stopping ended the run before its limit.
    curve: one mapping per epoch.
    epochs, steps: how far it came.
    seconds: wall time of this process. training_seconds: of training batches alone, over all
        processes of a resumed run.
    parameters, activation_parameters: how many there are, and how many of them belong to
        activations.
    assignment: site -> activation.
    learned: site -> parameter -> values, for learnable activations.
    alarms: kind, where, step, value, threshold and message of each.
    health: site -> its last reading, see :class:`activation_search.diagnostics.sites.SiteHealth`.
    data: kind of samples and task; of a user's own also the file and a hash of what was read.
    versions, git, host, process: of the program and the machine.
    """

    directory: str
    config: dict[str, Any]
    status: str = RUNNING
    reason: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    metric: str = ""
    evaluated: str = "last"
    stopped_early: bool = False
    resumed_after: int | None = None
    curve: list[dict[str, float]] = field(default_factory=list)
    epochs: int = 0
    steps: int = 0
    seconds: float = 0.0
    training_seconds: float = 0.0
    parameters: int = 0
    activation_parameters: int = 0
    assignment: dict[str, str] = field(default_factory=dict)
    learned: dict[str, dict[str, list]] = field(default_factory=dict)
    alarms: list[dict[str, Any]] = field(default_factory=list)
    health: dict[str, dict[str, float]] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    seed: int = 0
    device: str = ""
    versions: dict[str, str] = field(default_factory=dict)
    git: str | None = None
    host: str = field(default_factory=socket.gethostname)
    process: int = field(default_factory=os.getpid)

    def write(self) -> None:
        """Replaces the run's ``result.json``, whole or not at all. Values that are not finite
        become null, since JSON knows none."""
        path = Path(self.directory) / RESULT_FILE
        temporary = path.with_suffix(".json.new")
        temporary.write_text(json.dumps(_finite(asdict(self)), indent=1, allow_nan=False) + "\n")
        os.replace(temporary, path)


def read_result(directory: Path) -> RunResult:
    """The result in a run directory.

    Raises:
        OSError, ValueError: there is none, or it is not a result.
    """
    plain = json.loads((directory / RESULT_FILE).read_text())
    try:
        return RunResult(**plain)
    except TypeError as error:
        raise ValueError(f"{directory / RESULT_FILE} is not a result: {error}") from error


@cache
def versions() -> dict[str, str]:
    """Versions of what decides a run's numbers."""
    names = ("activation-search", "torch", "lightning", "torchmetrics", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


@cache
def git_revision() -> str | None:
    """Revision of the source tree, ``+`` behind it where files differ; none outside its git."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():  # installed somewhere, perhaps inside another repository
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
