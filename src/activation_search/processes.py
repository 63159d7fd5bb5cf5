"""Which process does a piece of work, whether it is still there, and how many cores there are."""

import os
import signal
import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any

import psutil


def identify() -> dict[str, Any]:
    """This process, so that no later one of the same number is taken for it."""
    created = psutil.Process().create_time()
    return {"host": this_host(), "process": os.getpid(), "created": created}


def this_host() -> str:
    """This machine; copies of one virtual machine share a name, but no network address."""
    return f"{socket.gethostname()}-{uuid.getnode():x}"


def is_gone(identity: dict[str, Any]) -> bool:
    """Whether that process has ended. One on another host is never known to be gone."""
    if identity["host"] != this_host():
        return False
    try:
        process = psutil.Process(identity["process"])
        other = abs(process.create_time() - identity["created"]) > 1.0
        return other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


@contextmanager
def undisturbed() -> Iterator[None]:
    """Puts Ctrl-C and the termination signal off until its end; a second one is not put off.

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
