"""One driver per study."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import optuna
import pytest

from activation_search.engine.processes import identify, process_start
from activation_search.errors import UserError
from activation_search.search import sole_driver
from activation_search.search.sole_driver import DRIVER, SoleDriver
from activation_search.search.study import open_storage


@pytest.fixture(params=["journal", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    urls = {"journal": f"journal://{tmp_path}/j.log", "sqlite": f"sqlite:///{tmp_path}/s.db"}
    return optuna.create_study(storage=open_storage(urls[request.param]), study_name="s")


def gone() -> dict[str, Any]:
    """The identity of a process that has ended."""
    code = "from activation_search.engine.processes import identify; print(identify())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found: dict[str, Any] = eval(done.stdout)
    return found


def test_a_second_one_is_refused_until_the_first_ends(study: optuna.Study, tmp_path: Path) -> None:
    other = identify() | process_start(os.getppid())
    study.set_user_attr(DRIVER, other | {"beats": 1})
    with pytest.raises(UserError) as error:
        SoleDriver(study, tmp_path, print).__enter__()
    assert f"is driven by process {os.getppid()} on {other['host']}" in str(error.value)
    assert "workers=" in str(error.value)
    assert "cluster=" in str(error.value)
    study.set_user_attr(DRIVER, None)
    with SoleDriver(study, tmp_path, print):
        assert study.user_attrs[DRIVER]["process"] == os.getpid()
    assert study.user_attrs[DRIVER] is None


def test_what_this_process_could_not_give_back_is_its_own(
    study: optuna.Study, tmp_path: Path
) -> None:
    SoleDriver(study, tmp_path, print).__enter__()
    with SoleDriver(study, tmp_path, print):
        assert study.user_attrs[DRIVER]["process"] == os.getpid()


def test_of_two_that_start_at_once_one_stays(study: optuna.Study, tmp_path: Path) -> None:
    first, second = (SoleDriver(study, tmp_path / name, print, shared=True) for name in "ab")
    other = identify() | {"process": 7, "beats": 1}
    for name in "ab":
        (tmp_path / name).mkdir()

    def sleep(seconds: float) -> None:
        study.set_user_attr(DRIVER, other)  # which had looked before the first one wrote

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sole_driver.time, "sleep", sleep)
        with pytest.raises(UserError, match="was taken over by process 7"):
            first.__enter__()
    study.set_user_attr(DRIVER, None)
    with second:
        second.check()


def test_a_dead_one_is_taken_over(study: optuna.Study, tmp_path: Path) -> None:
    study.set_user_attr(DRIVER, gone() | {"beats": 3})
    with SoleDriver(study, tmp_path, print):
        assert study.user_attrs[DRIVER]["process"] == identify()["process"]


@pytest.mark.parametrize("lives", [True, False])
def test_one_of_another_machine_is_watched_for_a_while(
    study: optuna.Study, tmp_path: Path, lives: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = identify() | {"host": "elsewhere", "beats": 1}
    study.set_user_attr(DRIVER, other)
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        if lives and now > sole_driver.BEAT_SECONDS:
            study.set_user_attr(DRIVER, other | {"beats": 2})

    monkeypatch.setattr(sole_driver.time, "sleep", sleep)
    monkeypatch.setattr(sole_driver.time, "monotonic", lambda: now)
    notes: list[str] = []
    if lives:
        with pytest.raises(UserError, match=r"is driven by process .* on elsewhere"):
            SoleDriver(study, tmp_path, notes.append).__enter__()
    else:
        with SoleDriver(study, tmp_path, notes.append):
            assert study.user_attrs[DRIVER]["host"] != "elsewhere"
        assert now >= sole_driver.SILENT_SECONDS
    assert "driven on elsewhere; waiting up to 90 s" in notes[0]


def test_it_beats_now_and_then_and_notices_another(
    study: optuna.Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(sole_driver.time, "monotonic", lambda: now)
    with SoleDriver(study, tmp_path, print) as driver:
        driver.beat()
        assert study.user_attrs[DRIVER]["beats"] == 1
        now += sole_driver.BEAT_SECONDS
        driver.beat()
        assert study.user_attrs[DRIVER]["beats"] == 2
        other = identify() | {"host": "elsewhere", "process": 7, "beats": 1}
        study.set_user_attr(DRIVER, other)
        now += sole_driver.BEAT_SECONDS
        with pytest.raises(UserError, match="was taken over by process 7 on elsewhere"):
            driver.beat()
    assert study.user_attrs[DRIVER] == other
