"""What processes of workers start with."""

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest

from activation_search.engine import forks
from activation_search.engine.forks import MALLOC

from ..waiting import wait_until


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What the fork server would start with; none is started."""
    seen: dict[str, object] = {}

    def ensure_running() -> None:
        seen.update(os.environ)
        seen["deaf"] = signal.getsignal(signal.SIGINT) is signal.SIG_IGN

    monkeypatch.setattr(forks, "FORKS", True)
    monkeypatch.setattr(forks.forkserver, "ensure_running", ensure_running)
    return seen


class Process:
    """Notes whether Ctrl-C would reach this process while it starts."""

    deaf = True

    def start(self) -> None:
        self.deaf = signal.getsignal(signal.SIGINT) is signal.SIG_IGN


def test_the_server_keeps_memory_and_is_deaf(
    server: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = MALLOC
    monkeypatch.delenv(one, raising=False)
    monkeypatch.setenv(other, "5000000")  # the user's own
    before, handler = dict(os.environ), signal.getsignal(signal.SIGINT)
    process = Process()
    forks.start(process)  # type: ignore[arg-type]
    assert (server[one], server[other], server["deaf"]) == (MALLOC[one], "5000000", True)
    assert not process.deaf  # its start waits for imports
    assert dict(os.environ) == before
    assert signal.getsignal(signal.SIGINT) is handler


def test_from_a_thread(server: dict[str, object]) -> None:
    ended = []
    thread = threading.Thread(target=lambda: ended.append(forks.start(Process())))  # type: ignore[arg-type]
    thread.start()
    thread.join()
    assert ended == [None]
    assert server["deaf"] is False


def test_files_of_the_working_folder_hide_nothing(tmp_path: Path) -> None:
    (tmp_path / "calendar.py").write_text("raise SystemExit('the wrong one')\n")
    (tmp_path / "own").mkdir()
    (tmp_path / "own/found.py").touch()
    command = [sys.executable, "-c", "import calendar, found"]
    with pytest.MonkeyPatch.context() as patch, forks._worker_environment():
        patch.chdir(tmp_path)
        assert subprocess.run(command, capture_output=True).stderr.count(b"found") == 1
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path)
        patch.setattr(sys, "path", ["", "own", *sys.path])
        with forks._worker_environment():
            assert subprocess.run(command, capture_output=True).returncode == 0


def test_elsewhere_processes_are_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forks, "FORKS", False)
    monkeypatch.setattr(forks.forkserver, "ensure_running", None)
    assert forks.worker_context() is multiprocessing.get_context("spawn")
    process = Process()
    forks.start(process)  # type: ignore[arg-type]
    assert process.deaf
    forks.import_ahead()


def test_at_the_end_a_server_may_have_died(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = subprocess.Popen([sys.executable, "-c", ""])
    child = psutil.Process(dead.pid)
    wait_until(lambda: child.status() == psutil.STATUS_ZOMBIE)
    monkeypatch.setattr(psutil.Process, "children", lambda self: [child])
    forks._end_server()
    assert dead.wait() == 0
