"""The loop that keeps an engine busy, and runs that are not trained twice."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future

import pytest
from rich.console import Console

from activation_search.config.run import TrainConfig
from activation_search.engine import runner as runner_module
from activation_search.engine.engine import Results
from activation_search.engine.job import Job, Judge
from activation_search.engine.runner import Runner
from activation_search.engine.runs import run_all
from activation_search.errors import MachineError, TimeIsUp

from ..here import HereEngine

Small = Callable[..., TrainConfig]
NOTHING = Job(())


class SlowEngine:
    """Ends the oldest of its jobs at each wait."""

    def __init__(self, slots: int):
        self.count = slots
        self.running: list[Results] = []
        self.most = 0

    def slots(self) -> int:
        return self.count

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        self.running.append(Future())
        self.most = max(self.most, len(self.running))
        return self.running[-1]

    def wait(self, timeout: float) -> None:
        self.running.pop(0).set_result([])

    def close(self) -> None:
        pass


def test_the_next_job_is_asked_for_when_a_slot_is_free() -> None:
    log: list[str] = []

    def work() -> Iterator[tuple[int, Job, None]]:
        for number in range(4):
            log.append(f"asked {number}")
            yield number, NOTHING, None

    engine, ticks = SlowEngine(2), []
    runner = Runner(engine, Console(quiet=True))
    for number, _ in runner.as_completed(work(), lambda: ticks.append(1)):
        log.append(f"ended {number}")
    assert log == [
        "asked 0", "asked 1", "ended 0", "asked 2", "ended 1", "asked 3", "ended 2", "ended 3",
    ]  # fmt: skip
    assert engine.most == 2
    assert len(ticks) == 4


def test_nothing_new_starts_when_the_time_is_up(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(runner_module.time, "monotonic", lambda: now)
    runner = Runner(SlowEngine(2), Console(quiet=True), minutes=0.5)
    ended = []
    for number, _ in runner.as_completed((n, NOTHING, None) for n in range(9)):
        ended.append(number)
        now += 20
    assert ended == [0, 1, 2]  # the last one was running when it was over
    assert runner.time_is_up


def test_an_unfinished_set_of_runs_says_what_is_left(
    small: Small, trained: list[TrainConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(runner_module.time, "monotonic", lambda: now)
    runner = Runner(HereEngine(), Console(quiet=True), minutes=1)
    configs = {seed: small("trainer.max_epochs=1", f"seed={seed}") for seed in range(3)}

    def later(engine: HereEngine, timeout: float) -> None:
        nonlocal now
        now += 40

    monkeypatch.setattr(HereEngine, "wait", later)
    with pytest.raises(TimeIsUp, match=r"minutes=1 are over: 1 of 3 runs are left; .* resumes"):
        run_all(configs, runner, "runs")
    assert len(trained) == 2
    found = run_all(configs, Runner(HereEngine(), Console(quiet=True)), "runs")
    assert len(trained) == 3
    assert [result.seed for result in found.values()] == [0, 1, 2]


def test_a_failed_machine_ends_all(small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(job: Job, judge: Judge) -> None:
        raise OSError(28, "No space left on device", "x.json")

    monkeypatch.setattr(Job, "train", full)
    with pytest.raises(MachineError, match=r"Cannot use x.json: No space left on device"):
        run_all({0: small()}, Runner(HereEngine(), Console(quiet=True)), "runs")


def test_what_ended_beside_a_failed_machine_is_told_first() -> None:
    class Both(SlowEngine):
        """Its jobs end at once, the first of them by an error."""

        def wait(self, timeout: float) -> None:
            self.running[0].set_exception(MachineError("The disk is full."))
            for future in self.running[1:]:
                future.set_result([])

    runner = Runner(Both(3), Console(quiet=True))
    told = runner.as_completed((number, NOTHING, None) for number in range(3))
    assert [number for number, _ in told] == [1, 2, 0]
