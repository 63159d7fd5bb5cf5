"""What a run leaves behind: ``result.json``."""

import json
import math
import os
import platform
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from activation_search.atomic import write_text
from activation_search.config.run import TrainConfig, from_dict
from activation_search.errors import UserError
from activation_search.notebook import as_html

if TYPE_CHECKING:
    from pandas import DataFrame

RESULT_FILE = "result.json"
RESULT_FORMAT = 1  # a higher one cannot be read by this version
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
    resumed_after: epochs of the interrupted run that this one resumed, or ``None``.
    stopped_early: whether early stopping ended the run before its limit.
    curve: one mapping per epoch; ``table`` is the same as a frame.
    epochs, steps: how far it came.
    seconds: wall time of this process. training_seconds: of training batches alone, over all
        processes of a resumed run.
    parameters, activation_parameters: how many there are, and how many of them belong to
        activations.
    assignment: site -> activation.
    confusion: of a finished run with few classes: the ``split`` that was evaluated, ``names`` of
        the classes, and ``counts`` by true and predicted class.
    learned: site -> parameter -> values, for learnable activations.
    alarms: kind, where, step, value, threshold and message of each.
    health: site -> its last reading, as a plain :class:`SiteHealth`.
    data: kind of samples and task; of a user's own also the file and a hash of what was read.
    versions, git, host, process: of the program and the machine.
    format: version of this list.
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
    confusion: dict[str, Any] = field(default_factory=dict)
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
    format: int = RESULT_FORMAT

    @property
    def step_seconds(self) -> float:
        """Training time of a step; 0 for a run that made none."""
        return self.training_seconds / max(self.steps, 1)

    @property
    def table(self) -> "DataFrame":
        """The curve, one row per epoch."""
        import pandas as pd

        return pd.DataFrame(self.curve)

    def _repr_html_(self) -> str:
        return as_html(self)

    def write(self) -> None:
        """Replaces the run's ``result.json``, whole or not at all. Values that are not finite
        become null, since JSON knows none."""
        text = json.dumps(_finite(asdict(self)), indent=1, allow_nan=False)
        write_text(Path(self.directory) / RESULT_FILE, text + "\n")

    def parsed_config(self) -> TrainConfig:
        """The configuration, typed."""
        return from_dict(self.config)


def read_result(directory: Path) -> RunResult:
    """The result in a run directory.

    Raises:
        OSError: there is none that can be read.
        ValueError: it is damaged, of another program, or of a newer version; one sentence.
    """
    path = directory / RESULT_FILE
    try:
        if path.exists() and not path.is_file():  # opening a pipe would wait for its other end
            raise ValueError("it is no file")
        plain = json.loads(path.read_text(encoding="utf-8"))
        version = plain.get("format", 1)
        if version > RESULT_FORMAT:
            raise ValueError(f"it has format {version}, and this version reads {RESULT_FORMAT}")
        types = get_type_hints(RunResult)
        for name, value in plain.items():
            if name in types and not _fits(value, types[name]):
                raise ValueError(f"{name} is a {type(value).__name__}")
        result = RunResult(**{name: value for name, value in plain.items() if name in types})
        for row in (*result.curve, *result.learned.values()):
            if not isinstance(row, dict):
                raise ValueError(f"a row is a {type(row).__name__}")
        result.parsed_config()
        return replace(
            result,
            directory=str(directory),  # it may have been moved
            metrics=_with_nan(result.metrics),
            curve=_with_nan(result.curve),
            learned=_with_nan(result.learned),
        )
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, UserError) as error:
        raise ValueError(f"{path} is not a result of this program: {error}") from error


def read_or_skip(directory: Path) -> RunResult | None:
    """The result in a run directory; ``None``, and a note, where it cannot be used."""
    try:
        return read_result(directory)
    except (OSError, ValueError) as error:
        note_once(f"Note: skipped {error}")
        return None


@cache  # once for each file
def note_once(text: str) -> None:
    """On standard error."""
    print(text, file=sys.stderr)


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value read from JSON is of a field's type; numbers that are not finite are null."""
    kinds = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    allowed = [get_origin(one) or one for one in kinds]
    if float in allowed:
        allowed += [int, type(None)]
    return type(value) in allowed


@cache
def versions() -> dict[str, str]:
    """Versions of what decides a run's numbers."""
    names = ("activation-search", "torch", "lightning", "torchmetrics", "numpy")
    return {"python": platform.python_version(), **{name: version(name) for name in names}}


@cache
def git_revision() -> str | None:
    """Revision of the source tree, ``+`` behind it where files differ; ``None`` outside its git."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():  # installed somewhere, perhaps inside another repository
        return None
    command = ["git", "-C", str(root), "describe", "--always", "--dirty=+"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _with_nan(value: Any) -> Any:
    """With the values that are no numbers in the place of null, see :func:`_finite`."""
    if isinstance(value, dict):
        return {key: _with_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nan(item) for item in value]
    return math.nan if value is None else value


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
