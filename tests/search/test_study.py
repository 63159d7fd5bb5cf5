"""The queue, the lock, and trials whose worker is gone."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from activation_search.config.compose import compose
from activation_search.config.search import SweepConfig
from activation_search.engine.processes import identify, is_gone
from activation_search.errors import UserError
from activation_search.models.factory import sites_on
from activation_search.search import study as study_module
from activation_search.search.leaderboard import rank
from activation_search.search.parse_space import build_space
from activation_search.search.space import Space
from activation_search.search.study import (
    KIND,
    RETRY_OF,
    WORKER,
    Observer,
    claim,
    exclusively,
    fill_queue,
    fixed_point,
    open_storage,
    open_study,
    requeue_dead,
)
from activation_search.search.sweep import base_config


@pytest.fixture(params=["journal", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    urls = {"journal": f"journal://{tmp_path}/j.log", "sqlite": f"sqlite:///{tmp_path}/s.db"}
    return urls[request.param]


@pytest.fixture
def storage(url: str) -> optuna.storages.BaseStorage:
    return open_storage(url)


def configured(*overrides: str) -> tuple[SweepConfig, Space]:
    config = compose(["model=mlp", "data=digits", *overrides], SweepConfig)
    base = base_config(config, "test", workers=1)
    return config, build_space(config.search, base, sites_on(config.model, config.data))


def kinds(study: optuna.Study) -> list[str]:
    return [trial.user_attrs[KIND] for trial in study.trials]


def test_a_finite_space_is_queued_once_and_the_rest_repeats(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=5")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    assert [fixed_point(t).get("activation") for t in study.trials] == [
        "relu", "gelu", "tanh", None, None,
    ]  # fmt: skip
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 2


def test_a_large_space_starts_with_each_candidate_everywhere(storage) -> None:
    config, space = configured("search=per_layer", "search.candidates=[relu,gelu,tanh]", "trials=5")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["planned"] * 3 + ["sampled"] * 2
    assert fixed_point(study.trials[1]) == {"hidden1": "gelu", "hidden2": "gelu"}


def test_filling_is_exact_and_goes_on(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=4")
    study = open_study(storage, "s", config, space, "max")
    for _ in range(2):
        fill_queue(study, space, config)
    assert len(study.trials) == 4
    config, space = configured(
        "search.candidates=[relu,gelu,tanh]", "trials=6", "search.controls=2"
    )
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 3 + ["control"] * 2


def test_grid_and_random(storage) -> None:
    config, space = configured(
        "search=per_layer", "search.candidates=[relu,gelu]", "trials=4", "sampler=grid"
    )
    study = open_study(storage, "g", config, space, "max")
    fill_queue(study, space, config)
    assert [list(fixed_point(t).values()) for t in study.trials] == [
        ["relu", "relu"], ["relu", "gelu"], ["gelu", "relu"], ["gelu", "gelu"],
    ]  # fmt: skip
    config, space = configured("search.candidates=[relu,gelu]", "trials=2", "sampler=random")
    study = open_study(storage, "r", config, space, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["sampled"] * 2


def test_each_trial_is_claimed_once(storage, url: str) -> None:
    config, space = configured("trials=12", f"storage='{url}'")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    study_id = storage.get_study_id_from_name("s")
    claimed: list[int] = []

    def work() -> None:
        # Each worker has connections and a study of its own.
        own = open_storage(url)
        mine = optuna.load_study(study_name="s", storage=own)
        while (trial_id := claim(mine, own, study_id)) is not None:
            claimed.append(trial_id)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 12
    assert len(study.trials) == 12
    assert all(t.user_attrs[WORKER]["process"] == os.getpid() for t in study.trials)


def gone() -> dict:
    """The identity of a process that has ended."""
    code = "from activation_search.engine.processes import identify; print(identify())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return eval(done.stdout) | {"seen": 0}


def test_trials_of_dead_workers_are_queued_once_more(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=3")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    study_id = storage.get_study_id_from_name("s")
    first, second = claim(study, storage, study_id), claim(study, storage, study_id)
    storage.set_trial_user_attr(second, WORKER, gone())
    assert requeue_dead(study, Observer()) == [1]
    states = [t.state for t in study.trials]
    assert states == [
        TrialState.RUNNING,
        TrialState.FAIL,
        TrialState.WAITING,
        TrialState.WAITING,
    ]
    retry = study.trials[3]
    assert fixed_point(retry) == {"activation": "gelu"}
    assert retry.user_attrs[RETRY_OF] == 1
    fill_queue(study, space, config)  # the total counts it no second time
    assert len(study.trials) == 4
    # A second death is final, and is told.
    claim(study, storage, study_id)
    again = claim(study, storage, study_id)
    storage.set_trial_user_attr(again, WORKER, gone())
    assert requeue_dead(study, Observer()) == [3]
    assert len(study.trials) == 4
    assert [(row.trials, row.status) for row in rank(study)] == [([3], "failed")]
    assert "its worker was killed" in rank(study)[0].reason
    assert first is not None


def test_a_reaper_that_dies_half_way_loses_nothing(storage, monkeypatch) -> None:
    config, space = configured("search.candidates=[relu,gelu]", "trials=2")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    first = claim(study, storage, storage.get_study_id_from_name("s"))
    storage.set_trial_user_attr(first, WORKER, gone())

    def die(*args, **kwargs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(study, "tell", die)
        with pytest.raises(KeyboardInterrupt):
            requeue_dead(study, Observer())
    assert requeue_dead(study, Observer()) == [0]
    assert [t.user_attrs.get(RETRY_OF) for t in study.trials] == [None, None, 0]


def test_a_silent_worker_elsewhere_is_taken_for_dead(storage, monkeypatch) -> None:
    config, space = configured("search.candidates=[relu,gelu]", "trials=2")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    study_id = storage.get_study_id_from_name("s")
    first, second = claim(study, storage, study_id), claim(study, storage, study_id)
    far = identify() | {"host": "elsewhere"}
    now = 1000.0
    monkeypatch.setattr(study_module.time, "monotonic", lambda: now)
    monkeypatch.setattr(study_module.time, "time", lambda: 0.0)  # nobody asks what time it is
    observer = Observer()
    for beat in range(3):  # the first one shows that it lives, the second one does not
        storage.set_trial_user_attr(first, WORKER, far | {"seen": beat})
        storage.set_trial_user_attr(second, WORKER, far | {"seen": 0})
        assert requeue_dead(study, observer) == []
        now += study_module.SILENT_SECONDS / 2
    storage.set_trial_user_attr(first, WORKER, far | {"seen": 3})
    assert requeue_dead(study, observer) == [1]


def test_starts_are_queued_once_though_more_was_drawn_beside_them(storage) -> None:
    small = ["search=joint", "search.candidates=[relu,gelu]"]
    config, space = configured(*small, "trials=2")
    study = open_study(storage, "s", config, space, "max")
    fill_queue(study, space, config)
    for trial in study.trials:
        point = space.suggest(study.ask())
        assert point["activation"] == fixed_point(trial)["activation"]
    config, space = configured(*small, "trials=4")
    fill_queue(study, space, config)
    assert kinds(study) == ["planned"] * 2 + ["sampled"] * 2


def test_processes() -> None:
    me = identify()
    assert not is_gone(me)
    assert is_gone(me | {"started": me["started"] - 100})  # the number was given away again
    assert not is_gone(me | {"host": "elsewhere", "process": 1})
    assert is_gone(gone())


def test_the_lock_lets_one_in_at_a_time(storage) -> None:
    inside, most = 0, 0

    def enter() -> None:
        nonlocal inside, most
        for _ in range(3):
            with exclusively(storage, "s"):
                inside += 1
                most = max(most, inside)
                time.sleep(0.01)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1
    assert optuna.get_all_study_names(storage) == []


@pytest.mark.parametrize("wrote_its_name", [True, False])
def test_a_lock_left_by_a_killed_process_is_taken(
    storage, wrote_its_name: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study_module, "STALE_LOCK_SECONDS", 1e9 if wrote_its_name else 0.2)
    lock = storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "s (locked)")
    if wrote_its_name:
        storage.set_study_user_attr(lock, study_module.OWNER, gone())
    with exclusively(storage, "s"):
        assert optuna.get_all_study_names(storage) == ["s (locked)"]


def test_ctrl_c_while_the_lock_is_being_taken_leaves_none(
    storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    attribute = storage.set_study_user_attr

    def interrupted(study_id: int, key: str, value: object) -> None:
        signal.raise_signal(signal.SIGINT)
        attribute(study_id, key, value)

    with monkeypatch.context() as patch:
        patch.setattr(storage, "set_study_user_attr", interrupted)
        with pytest.raises(KeyboardInterrupt), exclusively(storage, "s"):
            pass
    assert storage.get_all_studies() == []


def test_a_lock_is_not_taken_from_a_slow_process(storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "STALE_LOCK_SECONDS", 0.1)
    order = []

    def wait() -> None:
        with exclusively(storage, "s"):
            order.append("second")

    with exclusively(storage, "s"):
        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.5)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_passwords_are_not_shown() -> None:
    with pytest.raises(UserError, match=r"postgresql\+nodriver://bob:\*\*\*@127"):
        open_storage("postgresql+nodriver://bob:secret@127.0.0.1:1/x")


def test_another_question_under_the_same_name(storage) -> None:
    open_study(storage, "s", *configured("search.candidates=[relu,gelu]"), "max")
    for same in ("trials=99", "workers=1", "search.controls=3", "tensorboard.enabled=false"):
        open_study(storage, "s", *configured("search.candidates=[relu,gelu]", same), "max")
    other = configured("search.candidates=[relu,tanh]", "optim.lr=0.1")
    with pytest.raises(
        UserError,
        match=r"asks something else \(optim.lr was 0.005, is 0.1; search.activation was "
        r"\['relu', 'gelu'\], is \['relu', 'tanh'\]\)",
    ):
        open_study(storage, "s", *other, "max")


@pytest.mark.parametrize(
    "unreachable",
    ["sqlite:////does/not/exist/s.db", "nonsense", "postgresql+nodriver://127.0.0.1:1/x"],
)
def test_a_storage_that_cannot_be_reached(unreachable: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"Cannot open storage={unreachable}: ")):
        open_storage(unreachable)
