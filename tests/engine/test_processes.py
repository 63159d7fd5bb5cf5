import signal
import subprocess
import sys
from collections.abc import Iterator

import psutil
import pytest

from activation_search.engine.processes import defer_signals, identify, is_gone, this_host


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_ctrl_c_waits_for_the_end() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), defer_signals():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_inner_of_two_passes_it_on_to_the_outer() -> None:
    steps = []
    with pytest.raises(KeyboardInterrupt), defer_signals():  # noqa: PT012
        with defer_signals():
            signal.raise_signal(signal.SIGINT)
            steps.append("inner")
        steps.append("outer")
    assert steps == ["inner", "outer"]


def test_termination_goes_to_the_handler_that_was_there() -> None:
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    with defer_signals():
        signal.raise_signal(signal.SIGTERM)
        assert received == []
    assert received == [signal.SIGTERM]


def test_both_are_passed_on_where_both_came() -> None:
    received: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    with pytest.raises(KeyboardInterrupt), defer_signals():  # noqa: PT012
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
    assert received == [signal.SIGTERM]


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with defer_signals():
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_a_second_ctrl_c_is_not_put_off() -> None:
    reached = False
    with pytest.raises(KeyboardInterrupt), defer_signals():  # noqa: PT012
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        reached = True
    assert not reached


def test_a_step_of_the_clock_kills_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    me = identify()
    # psutil computes it from the time of day at which the machine booted.
    monkeypatch.setattr(psutil.Process, "create_time", lambda self: 0.0)
    monkeypatch.setattr(psutil, "boot_time", lambda: 0.0)
    assert identify() == me
    assert not is_gone(me)


def test_a_process_of_before_the_machine_started_is_gone() -> None:
    assert is_gone(identify() | {"boot": "an earlier one"})


def test_every_process_calls_its_machine_the_same() -> None:
    code = "import uuid; uuid.getnode = lambda: uuid.uuid4().int % 2**48\n"
    code += "from activation_search.engine.processes import this_host; print(this_host())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == this_host()
