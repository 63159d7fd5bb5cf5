"""Jobs in processes of this machine: what becomes of them, whatever becomes of the processes."""

import multiprocessing
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.engine.job import EPOCHS, Job, JobError
from activation_search.engine.local import LocalEngine
from activation_search.training.result import FINISHED, PRUNED

from ..cli import held
from ..waiting import SAFETY_SECONDS, wait_until

Small = Callable[..., TrainConfig]
HELD = [
    "model.depth=1",
    "activation=custom",
    "activation.target=held.Leaky",
    "activation.slope=0.1",
]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalEngine]:
    """An engine of one worker, whose working folder has the function that holds runs."""
    shutil.copy(Path(held.__file__), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    engine = LocalEngine(1)
    yield engine
    engine.close()


def ended(engine: LocalEngine, future: Future) -> Future:
    while not future.done():
        engine.wait(1.0)
    return future


def kill_held(folder: Path) -> int:
    """Kills the worker that holds a run; its number."""
    [number] = wait_until(lambda: held.held_processes(folder))
    os.kill(number, signal.SIGKILL)
    wait_until(lambda: number not in held.held_processes(folder))
    return number


def test_a_worker_lives_for_all_jobs_and_errors_end_only_their_own(
    engine: LocalEngine, small: Small
) -> None:
    first = engine.submit(Job((small("trainer.max_epochs=1"),)))
    broken = engine.submit(Job((small("activation.layers.nosuch=relu"),)))
    last = engine.submit(Job((small("trainer.max_epochs=1", "seed=1"),)))
    assert engine.slots() == 1
    [one] = ended(engine, first).result()
    error = ended(engine, broken).exception()
    assert isinstance(error, JobError)
    assert "Unknown site 'nosuch'" in str(error)
    assert "Traceback" in error.trace
    [two] = ended(engine, last).result()
    assert (one.status, two.status) == (FINISHED, FINISHED)
    assert one.process == two.process != os.getpid()


def test_the_driver_is_asked_at_each_epoch(engine: LocalEngine, small: Small) -> None:
    asked: list[tuple[int, float]] = []

    def judge(step: int, value: float) -> bool:
        asked.append((step, value))
        return step == 2

    job = Job((small("trainer.max_epochs=4"), small("seed=1")), EPOCHS)
    results = ended(engine, engine.submit(job, judge)).result()
    assert [result.status for result in results] == [PRUNED]
    assert asked == [(row["epoch"] + 1, row["val_accuracy"]) for row in results[0].curve]
    assert [step for step, _ in asked] == [1, 2]


def test_a_job_is_run_once_more_when_its_worker_is_killed(
    engine: LocalEngine, small: Small, tmp_path: Path
) -> None:
    future = engine.submit(Job((small(*HELD),)))
    killed = kill_held(tmp_path)
    engine.wait(SAFETY_SECONDS)  # sees the end of the pipe
    assert not future.done()
    (tmp_path / held.ALL).touch()
    [result] = ended(engine, future).result()
    assert result.status == FINISHED
    assert result.process != killed


def test_and_fails_the_second_time_where_others_go_on(
    engine: LocalEngine, small: Small, tmp_path: Path
) -> None:
    future = engine.submit(Job((small(*HELD),)))
    other = engine.submit(Job((small("trainer.max_epochs=1"),)))
    for _ in range(2):
        kill_held(tmp_path)
        engine.wait(SAFETY_SECONDS)
    error = ended(engine, future).exception()
    assert str(error) == "its worker was killed, and that of its repetition too"
    assert ended(engine, other).result()[0].status == FINISHED


def test_a_worker_that_dies_while_it_waits_for_an_answer(engine: LocalEngine, small: Small) -> None:
    killed: list[int] = []

    def judge(step: int, value: float) -> bool:
        if not killed:
            [process] = multiprocessing.active_children()
            killed.append(process.pid or 0)
            process.kill()
            process.join()
        return False

    future = engine.submit(Job((small("trainer.max_epochs=2"),), EPOCHS), judge)
    [result] = ended(engine, future).result()
    assert result.status == FINISHED
    assert [result.process] != killed


def test_a_run_that_calls_exit_is_an_error_of_its_own(
    engine: LocalEngine, small: Small, tmp_path: Path
) -> None:
    (tmp_path / "leaving.py").write_text(
        "calls = 0\n\n\ndef leave(x):\n    global calls\n    calls += 1\n"
        "    if calls > 20:\n        exit('so long')\n    return x.tanh()\n"
    )
    leaving = small("activation=custom", "activation.target=leaving.leave")
    error = ended(engine, engine.submit(Job((leaving,)))).exception()
    assert str(error) == "The run was ended by exit('so long')."


def test_closing_interrupts_what_runs(engine: LocalEngine, small: Small, tmp_path: Path) -> None:
    engine.submit(Job((small(*HELD),)))
    wait_until(lambda: held.held_processes(tmp_path))
    engine.close()
    assert held.held_processes(tmp_path) == []
    [path] = tmp_path.glob("train/*/*/result.json")
    assert '"status": "stopped"' in path.read_text()
