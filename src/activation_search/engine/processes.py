"""Which process does a piece of work, whether it is still there, and how many cores there are."""

import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import psutil


def identify() -> dict[str, Any]:
    """This process, so that no later one of the same number is taken for it."""
    return {"host": this_host(), "boot": _boot(), **process_start(os.getpid())}


def process_start(number: int) -> dict[str, Any]:
    """Number and start of a process.

    The start is counted in ticks since the machine booted where the system tells: a time of day
    moves with every correction of the clock.

    Raises:
        psutil.NoSuchProcess: there is none.
    """
    stat = Path(f"/proc/{number}/stat")
    if not psutil.LINUX:
        return {"process": number, "started": psutil.Process(number).create_time()}
    try:
        # The name, in brackets, may hold blanks; the start is field 22 of the whole line.
        ticks = int(stat.read_text().rpartition(")")[2].split()[19])
    except (FileNotFoundError, ProcessLookupError) as error:
        raise psutil.NoSuchProcess(number) from error
    return {"process": number, "started": ticks}


@cache
def this_host() -> str:
    """This machine: its name, which copies of one container image or machine can share, and its
    machine id."""
    return f"{socket.gethostname()}-{_first_line('/etc/machine-id') or _boot()}"


@cache
def _boot() -> str:
    """Different after each start of the machine; the same in all containers on it."""
    return _first_line("/proc/sys/kernel/random/boot_id") or f"{uuid.getnode():x}"


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def is_gone(identity: dict[str, Any]) -> bool:
    """Whether that process has ended. One on another host is never known to be gone."""
    if identity["host"] != this_host():
        return False
    if identity["boot"] != _boot():
        return True
    try:
        process = process_start(identity["process"])
        if process["started"] != identity["started"]:
            return True
        return psutil.Process(identity["process"]).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def defer_signals() -> Iterator[None]:
    """Defers SIGINT and SIGTERM to the end of the block; a second signal interrupts at once.

    For what takes a lock that outlives the process: who ends in the middle keeps others waiting.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are the main thread's
        return
    received: list[int] = []

    def put_off(number: int, _: FrameType | None) -> None:
        if number in received:
            raise KeyboardInterrupt
        received.append(number)

    before = {
        number: signal.signal(number, put_off)
        for number in (signal.SIGINT, signal.SIGTERM)
        if signal.getsignal(number) is not signal.SIG_IGN
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        with ExitStack() as both:  # the second too where the first raises
            for put_off_signal in received:
                both.callback(signal.raise_signal, put_off_signal)


def core_count() -> int:
    """Cores that this process may use; a container often has fewer than the machine."""
    return len(psutil.Process().cpu_affinity()) if psutil.LINUX else os.cpu_count() or 1
