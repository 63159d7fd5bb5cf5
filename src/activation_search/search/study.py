"""The study as it is kept: where it is stored, and what it asks.

A trial is written once, whole, when it has ended. So whatever is killed at whatever moment, the
storage holds exactly the trials that ended, and the total is what is there.
"""

import json
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial

from activation_search.config.engine import EngineConfig
from activation_search.config.search import SweepConfig
from activation_search.errors import MachineError, UserError
from activation_search.passwords import without_password, without_passwords
from activation_search.search.costs import extra_objectives
from activation_search.search.journal import Journal
from activation_search.search.space import Point, Space

# User attributes of a trial, beside those of `activation_search.search.attributes`.
KIND = "kind"  # one of the four below
PLANNED, SAMPLED, REPLICATE, CONTROL = "planned", "sampled", "replicate", "control"
NUMBER = "number"  # in the order of asking, which trials of several workers do not end in
REPETITION = "repetition"  # which one of its point it is, from 0
ERROR = "error"  # why it failed
OVER_LIMIT = "over limit"  # status of a trial that costs more than it may
# User attributes of the study: what it searches, and how its trials are described.
QUESTION = "question"
FORMAT, FORMAT_NOW = "format", 2
_GONE = ("Record does not exist.",)  # how Optuna's storages say so


def open_storage(url: str) -> BaseStorage:
    """The storage of an Optuna URL, or of ``journal:///path/to/file``.

    Raises:
        UserError: it cannot be reached or written.
    """
    try:
        if url.startswith("journal://"):
            path = Path(url.removeprefix("journal://"))
            path.parent.mkdir(parents=True, exist_ok=True)
            return JournalStorage(Journal(path))
        return get_storage(url)
    except UserError:
        raise
    except Exception as error:  # SQLAlchemy's and the drivers' own kinds of failure
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        shown = without_password(url)
        first = without_passwords(first.replace(url, shown))
        raise UserError(f"Cannot open storage={shown}: {first}") from error


def open_in(folder: Path, storage: str | None) -> tuple[BaseStorage, str]:
    """The storage of a study, and its URL.

    Args:
        folder: of the study, which is made; a journal lies in it by default.
        storage: an Optuna URL in its place.

    Raises:
        UserError: it cannot be reached or written.
    """
    url = storage or f"journal://{folder.absolute()}/journal.log"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    opened = open_storage(url)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"Cannot write the study to {folder}: {error.strerror}.") from error
    return opened, url


@contextmanager
def storage_errors() -> Iterator[None]:
    """A storage that fails inside is a sentence.

    Raises:
        MachineError: it does not answer any more, or the study is gone from it.
    """
    try:
        yield
    except StorageInternalError as error:
        raise MachineError(
            f"The study's storage does not answer any more ({error}); what is finished is kept, "
            "and the same command resumes."
        ) from error
    except KeyError as error:
        if error.args != _GONE:
            raise
        raise MachineError("The study was deleted from its storage while it ran.") from error


def open_study(
    storage: BaseStorage,
    name: str,
    asked: dict[str, Any],
    metric: str,
    mode: str,
    costs: Sequence[str] = (),
) -> optuna.Study:
    """Creates the study, or resumes it.

    Args:
        storage: where it lies.
        name: of the study.
        asked: what it asks, see :func:`question`; must be what it asked before.
        metric: what trials are judged by, on the validation split.
        mode: ``"max"`` or ``"min"``.
        costs: what is minimised beside it.

    Raises:
        UserError: a study of that name asks something else, or is of an earlier version.
    """
    first = StudyDirection.MAXIMIZE if mode == "max" else StudyDirection.MINIMIZE
    directions = [first, *(StudyDirection.MINIMIZE for _ in costs)]
    study = optuna.create_study(
        storage=storage, study_name=name, directions=directions, load_if_exists=True
    )
    before = study.user_attrs.get(QUESTION)
    if before is None:
        if study.directions != directions:
            raise UserError(
                f"The study {name!r} was made by another program, for other directions than this "
                "one needs; give this one another name=…."
            )
        if study.get_trials(deepcopy=False):
            raise UserError(
                f"The study {name!r} has trials of another program; give this one another name=…."
            )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study.set_metric_names([f"validation {metric}", *costs])
        study.set_user_attr(FORMAT, FORMAT_NOW)
        study.set_user_attr(QUESTION, asked)
    elif study.user_attrs.get(FORMAT) != FORMAT_NOW:
        raise UserError(
            f"The study {name!r} was made by another version of this program; give this one "
            "another name=…."
        )
    elif before != asked:
        changes = "; ".join(_differences(before, asked))
        raise UserError(
            f"A study {name!r} exists and asks something else ({changes}); "
            "give this one another name=…."
        )
    return study


def question(config: EngineConfig, **built: Any) -> dict[str, Any]:
    """What a study asks: everything but how long, where and how fast.

    Args:
        config: of the study.
        **built: settings as they were built, since names such as ``default`` may come to mean
            other candidates.
    """
    plain = {key: value for key, value in config.identity().items() if key not in _NOT_ASKED}
    plain["trainer"] = {k: value for k, value in plain["trainer"].items() if k != "threads"}
    return json.loads(json.dumps(plain | built))


def sweep_question(config: SweepConfig, space: Space) -> dict[str, Any]:
    """What a study of activations asks; see :func:`question`."""
    search = space.as_dict()
    if extra_objectives(config.search):
        search["objectives"] = config.search.objectives
    if config.search.limits:
        search["limits"] = config.search.limits
    return question(config, search=search)


_NOT_ASKED = ("trials", "formulas", "repetitions", "name", "storage", "workers", "cluster",
              "minutes", "max_failures", "finalists", "finalist_seeds", "hand_made", "lr_grid",
              "confirm", "confirm_seeds", "transfer_models", "transfer_datasets")  # fmt: skip


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))
    elif before != now:
        yield f"{path} was {before}, is {now}"


def fixed_point(trial: FrozenTrial) -> Point:
    """What a trial runs, as far as it is known: drawn, or planned."""
    return dict(trial.params or trial.system_attrs.get("fixed_params", {}))


def is_maximised(study: optuna.Study) -> bool:
    """Whether a higher metric is better; costs, which may be further objectives, are minimised."""
    return study.directions[0] is StudyDirection.MAXIMIZE
