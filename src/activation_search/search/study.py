"""The study: where it is stored, its queue of trials, and what keeps its total exact.

Every trial is put into the queue before it runs, by whoever holds the study's lock, and workers
take trials from the queue and never add any. So the total is exact however many workers and
machines there are, and a trial whose worker died is found: it runs under a process that is gone.
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.exceptions import DuplicatedStudyError
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from activation_search.config.search import SweepConfig
from activation_search.engine.processes import defer_signals, identify, is_gone, this_host
from activation_search.errors import UserError
from activation_search.passwords import without_passwords
from activation_search.search.journal import Journal
from activation_search.search.space import Point, Space

# User attributes of a trial.
KIND = "kind"  # one of the four below
PLANNED, SAMPLED, REPLICATE, CONTROL = "planned", "sampled", "replicate", "control"
WORKER = "worker"  # its process, and how often it has shown since that it lives
RETRY_OF = "retry_of"
ERROR = "error"  # why it failed, for good
# User attribute of the lock: who holds it.
OWNER = "owner"
# User attributes of the study: what it searches, and whether its storage has no row locks, so that
# two processes could take one trial.
QUESTION = "question"
NEEDS_LOCK = "needs_lock"

UNFINISHED = (TrialState.WAITING, TrialState.RUNNING)
# A lock of another machine, or of a process that died before it wrote its name, is left over when
# it stays for so long; it is held for the time of a few queries.
STALE_LOCK_SECONDS = 60.0
# A worker of another machine that has not been seen for so long is taken for dead.
SEEN_EVERY_SECONDS = 30.0
SILENT_SECONDS = 300.0


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
        raise UserError(without_passwords(f"Cannot open storage={url}: {first}")) from error


@contextmanager
def exclusively(storage: BaseStorage, name: str) -> Iterator[None]:
    """Holds the study's lock: only one process of all machines is inside.

    The lock is a study of its own, since creating one of a given name succeeds for one process
    only in every storage that Optuna has. It is taken away from a process that is gone.
    """
    lock = f"{name} (locked)"
    me = identify() | {"thread": threading.get_ident()}
    held_by_other, since = None, 0.0
    while True:
        with defer_signals():
            mine = _take(storage, lock, me)
            if mine is not None:
                try:
                    yield
                finally:
                    if _owner(storage, mine) == me:  # SQLite gives numbers away again
                        storage.delete_study(mine)
                return
        time.sleep(0.05)
        try:
            other = storage.get_study_id_from_name(lock)
        except KeyError:
            continue
        owner = _owner(storage, other)
        if (other, owner) != held_by_other:
            held_by_other, since = (other, owner), time.monotonic()
        if owner and owner["host"] == this_host():
            left_over = is_gone(owner)
        else:
            left_over = time.monotonic() - since > STALE_LOCK_SECONDS
        if left_over:
            with suppress(KeyError):  # somebody else was first
                storage.delete_study(other)


def _take(storage: BaseStorage, lock: str, me: dict[str, Any]) -> int | None:
    try:
        mine = storage.create_new_study([StudyDirection.MINIMIZE], lock)
    except DuplicatedStudyError:
        return None
    storage.set_study_user_attr(mine, OWNER, me)
    return mine


def _owner(storage: BaseStorage, study_id: int) -> dict[str, Any] | None:
    try:
        return storage.get_study_user_attrs(study_id).get(OWNER)
    except KeyError:
        return None


def open_study(
    storage: BaseStorage, name: str, config: SweepConfig, space: Space, mode: str
) -> optuna.Study:
    """Creates the study, or resumes it.

    Args:
        storage: where it lies.
        name: of the study.
        config: what it asks; must be what it asked before.
        space: what it searches; likewise.
        mode: ``"max"`` or ``"min"``.

    Raises:
        UserError: a study of that name asks something else.
    """
    asked = question(config, space)
    study = optuna.create_study(
        storage=storage,
        study_name=name,
        direction="maximize" if mode == "max" else "minimize",
        load_if_exists=True,
    )
    before = study.user_attrs.get(QUESTION)
    if before is None:
        study.set_user_attr(NEEDS_LOCK, (config.storage or "").startswith("sqlite"))
        study.set_user_attr(QUESTION, asked)
    elif before != asked:
        changes = "; ".join(_differences(before, asked))
        raise UserError(
            f"A study {name!r} exists and asks something else ({changes}); "
            "give this one another name=…."
        )
    return study


def question(config: SweepConfig, space: Space) -> dict[str, Any]:
    """What a study asks: everything but how long, where and how fast. The space stands in it as
    built, since names such as ``default`` may come to mean other candidates."""
    plain = config.identity()
    for key in ("trials", "name", "storage", "workers", "max_failures", "confirm", "confirm_seeds"):
        del plain[key]
    plain["search"] = space.as_dict()
    return json.loads(json.dumps(plain))


def _differences(before: Any, now: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for key in dict.fromkeys([*before, *now]):
            yield from _differences(before.get(key), now.get(key), f"{path}.{key}".lstrip("."))
    elif before != now:
        yield f"{path} was {before}, is {now}"


def fill_queue(study: optuna.Study, space: Space, config: SweepConfig) -> None:
    """Queues what is missing to the total. Call it under the lock."""
    trials = [t for t in study.get_trials(deepcopy=False) if RETRY_OF not in t.user_attrs]
    controls = sum(t.user_attrs.get(KIND) == CONTROL for t in trials)
    missing = config.trials - (len(trials) - controls)
    known = [fixed_point(t) for t in trials]
    for kind, point in _plan(space, config, known, missing):
        study.enqueue_trial(point, user_attrs={KIND: kind})
    for _ in range(config.search.controls - controls):
        study.enqueue_trial({}, user_attrs={KIND: CONTROL})


def _plan(
    space: Space, config: SweepConfig, known: list[Point], missing: int
) -> Iterator[tuple[str, Point]]:
    """The next trials, ``missing`` in number."""
    exhaustive = config.sampler == "grid" or (
        config.sampler == "auto" and space.size <= config.trials
    )
    planned = space.points() if exhaustive else space.starts()
    # A trial's point also holds what was drawn beside what was planned.
    new = [point for point in planned if not any(point.items() <= k.items() for k in known)]
    if config.sampler == "random":
        new = []
    for number in range(missing):
        if number < len(new):
            yield PLANNED, new[number]
        else:
            yield (REPLICATE if exhaustive else SAMPLED), {}


def fixed_point(trial: FrozenTrial) -> Point:
    """What a trial runs, as far as it is known: drawn, or fixed in the queue."""
    return dict(trial.params or trial.system_attrs.get("fixed_params", {}))


def claim(study: optuna.Study, storage: BaseStorage, study_id: int) -> int | None:
    """Takes the first waiting trial for this process; its storage id, or ``None``."""
    if study.user_attrs[NEEDS_LOCK]:
        with exclusively(storage, study.study_name):
            return _claim(storage, study_id)
    with defer_signals():
        return _claim(storage, study_id)


def _claim(storage: BaseStorage, study_id: int) -> int | None:
    for trial in storage.get_all_trials(study_id, deepcopy=False, states=(TrialState.WAITING,)):
        try:
            if storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                storage.set_trial_user_attr(trial._trial_id, WORKER, identify() | {"seen": 0})
                return trial._trial_id
        except optuna.exceptions.UpdateFinishedTrialError:
            continue  # another process was first, and is already done
    return None


class Observer:
    """How long the workers of other machines have been silent, by the clock of this process.

    Clocks of several machines differ, and each can be set while a study runs.
    """

    def __init__(self) -> None:
        self._last_change: dict[int, tuple[Any, float]] = {}

    def silence(self, trial: FrozenTrial) -> float:
        """Seconds since this process first saw the trial's worker in its present state."""
        now, state = time.monotonic(), trial.user_attrs.get(WORKER)
        before, since = self._last_change.get(trial.number, (None, now))
        if before != (state,):
            since = now
        self._last_change[trial.number] = (state,), since
        return now - since


def requeue_dead(study: optuna.Study, observer: Observer, always: bool = False) -> list[int]:
    """Fails the trials whose worker is gone and queues each once more. Call it under the lock.

    Args:
        study: the study.
        observer: of this process, the same at each call.
        always: queue also those that had been queued once more before; for workers that were
            stopped on purpose.

    Returns:
        Their numbers.
    """
    trials = study.get_trials(deepcopy=False)
    retried = {t.user_attrs[RETRY_OF] for t in trials if RETRY_OF in t.user_attrs}
    dead = [t for t in trials if t.state is TrialState.RUNNING and _is_dead(t, observer.silence(t))]
    for trial in dead:
        # Queued before the other is failed: whoever dies in between loses nothing.
        if trial.number in retried:
            pass
        elif always or RETRY_OF not in trial.user_attrs:
            attributes = {KIND: trial.user_attrs.get(KIND), RETRY_OF: trial.number}
            study.enqueue_trial(fixed_point(trial), user_attrs=attributes)
        else:
            reason = "its worker was killed, and that of its repetition too"
            study._storage.set_trial_user_attr(trial._trial_id, ERROR, reason)
        study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)
    return [trial.number for trial in dead]


def _is_dead(trial: FrozenTrial, silence: float) -> bool:
    worker = trial.user_attrs.get(WORKER)
    if worker is None:  # claimed a moment ago, or by a worker that died in that moment
        return silence > STALE_LOCK_SECONDS
    if worker["host"] == this_host():
        return is_gone(worker)
    return silence > SILENT_SECONDS
