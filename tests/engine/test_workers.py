"""What processes are born with."""

import multiprocessing
import os
import signal

import pytest

from activation_search.engine.workers import MALLOC, worker_environment


def look() -> tuple[dict[str, str | None], bool]:
    """In a new process: its settings of memory, and whether it is deaf to Ctrl-C."""
    deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    return {name: os.environ.get(name) for name in MALLOC}, deaf


def test_workers_keep_memory_and_are_deaf_while_this_process_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, other = MALLOC
    monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(other, "5000000")  # the user's own
    handler = signal.getsignal(signal.SIGINT)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.apply(look) == ({one: None, other: "5000000"}, False)
    with worker_environment():
        pool = multiprocessing.get_context("spawn").Pool(1)
    with pool:
        assert pool.apply(look) == ({one: MALLOC[one], other: "5000000"}, True)
    assert one not in os.environ
    assert os.environ[other] == "5000000"
    assert signal.getsignal(signal.SIGINT) is handler
