"""The queue, the lock, and trials whose worker is gone."""

import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from activation_search.compose import compose
from activation_search.errors import UserError
from activation_search.models.factory import MODELS
from activation_search.processes import identify, is_gone
from activation_search.search import study as study_module
from activation_search.search.config import SweepConfig
from activation_search.search.space import Space, build_space
from activation_search.search.study import (
    KIND,
    RETRY_OF,
    WORKER,
    claim,
    exclusively,
    fill_queue,
    fixed_point,
    open_storage,
    open_study,
    reap,
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
    return config, build_space(config.search, base, MODELS["mlp"].sites(config.model))


def kinds(study: optuna.Study) -> list[str]:
    return [trial.user_attrs[KIND] for trial in study.trials]


def test_a_finite_space_is_queued_once_and_the_rest_repeats(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=5")
    study = open_study(storage, "s", config, "max")
    fill_queue(study, space, config)
    assert [fixed_point(t).get("activation") for t in study.trials] == [
        "relu", "gelu", "tanh", None, None,
    ]  # fmt: skip
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 2


def test_a_large_space_starts_with_each_candidate_everywhere(storage) -> None:
    config, space = configured("search=per_layer", "search.candidates=[relu,gelu,tanh]", "trials=5")
    study = open_study(storage, "s", config, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["planned"] * 3 + ["sampled"] * 2
    assert fixed_point(study.trials[1]) == {"hidden1": "gelu", "hidden2": "gelu"}


def test_filling_is_exact_and_goes_on(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=4")
    study = open_study(storage, "s", config, "max")
    for _ in range(2):
        fill_queue(study, space, config)
    assert len(study.trials) == 4
    config, space = configured(
        "search.candidates=[relu,gelu,tanh]", "trials=6", "search.controls=2"
    )
    study = open_study(storage, "s", config, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 3 + ["control"] * 2


def test_grid_and_random(storage) -> None:
    config, space = configured(
        "search=per_layer", "search.candidates=[relu,gelu]", "trials=3", "sampler=grid"
    )
    study = open_study(storage, "g", config, "max")
    fill_queue(study, space, config)
    assert [list(fixed_point(t).values()) for t in study.trials] == [
        ["relu", "relu"], ["relu", "gelu"], ["gelu", "relu"],
    ]  # fmt: skip
    config, space = configured("search.candidates=[relu,gelu]", "trials=2", "sampler=random")
    study = open_study(storage, "r", config, "max")
    fill_queue(study, space, config)
    assert kinds(study) == ["sampled"] * 2


def test_each_trial_is_claimed_once(storage, url: str) -> None:
    config, space = configured("trials=12", f"storage='{url}'")
    study = open_study(storage, "s", config, "max")
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
    code = "from activation_search.processes import identify; print(identify())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return eval(done.stdout) | {"seen": time.time()}


def test_trials_of_dead_workers_are_queued_once_more(storage) -> None:
    config, space = configured("search.candidates=[relu,gelu,tanh]", "trials=3")
    study = open_study(storage, "s", config, "max")
    fill_queue(study, space, config)
    study_id = storage.get_study_id_from_name("s")
    first, second = claim(study, storage, study_id), claim(study, storage, study_id)
    storage.set_trial_user_attr(second, WORKER, gone())
    assert reap(study) == [1]
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
    # A second death is final.
    claim(study, storage, study_id)
    again = claim(study, storage, study_id)
    storage.set_trial_user_attr(again, WORKER, gone())
    assert reap(study) == [3]
    assert len(study.trials) == 4
    assert first is not None


def test_processes() -> None:
    me = identify()
    assert not is_gone(me)
    assert is_gone(me | {"created": me["created"] - 100})  # the number was given away again
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


def test_a_lock_left_by_a_killed_process_is_taken(storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(study_module, "STALE_LOCK_SECONDS", 0.2)
    storage.create_new_study([optuna.study.StudyDirection.MINIMIZE], "s (locked)")
    with exclusively(storage, "s"):
        assert optuna.get_all_study_names(storage) == ["s (locked)"]


def test_another_question_under_the_same_name(storage) -> None:
    config, _ = configured("search.candidates=[relu,gelu]")
    open_study(storage, "s", config, "max")
    for same in ("trials=99", "workers=1", "search.controls=3", "tensorboard.enabled=false"):
        open_study(storage, "s", configured("search.candidates=[relu,gelu]", same)[0], "max")
    other, _ = configured("search.candidates=[relu,tanh]", "optim.lr=0.1")
    with pytest.raises(
        UserError,
        match=r"asks something else \(optim.lr was 0.005, is 0.1; search.candidates was "
        r"\['relu', 'gelu'\], is \['relu', 'tanh'\]\)",
    ):
        open_study(storage, "s", other, "max")


@pytest.mark.parametrize(
    "unreachable",
    ["sqlite:////does/not/exist/s.db", "nonsense", "postgresql+nodriver://127.0.0.1:1/x"],
)
def test_a_storage_that_cannot_be_reached(unreachable: str) -> None:
    with pytest.raises(UserError, match=re.escape(f"Cannot open storage={unreachable}: ")):
        open_storage(unreachable)
