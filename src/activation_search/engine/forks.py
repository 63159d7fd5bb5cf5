"""The processes that workers run in. Torch is not imported here."""

import atexit
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import forkserver
from multiprocessing.context import BaseContext
from multiprocessing.process import BaseProcess
from pathlib import Path

import psutil

from activation_search.engine.processes import core_count

# For glibc, which otherwise hands freed tensors back to the system, to have their pages cleared
# at the next step: a tenth of a small CNN's time. In bytes: how much is kept free for the next
# tensors, and from what size on a block is given back at once, glibc's largest.
MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
PRELOADED = ["activation_search.engine.local"]  # torch, Lightning, and what trains
# Elsewhere a process that has loaded them may not be forked, or no process at all.
FORKS = sys.platform == "linux"


def worker_context() -> BaseContext:
    """Of processes that share nothing with this one, whose threads and GPU a plain fork would
    break. Where the system can, they are forks of Python's fork server, which has imported torch
    and Lightning: the second worker, and one in place of a dead one, starts at once and shares its
    memory. A program that runs a fork server of its own before has that one's forks."""
    return multiprocessing.get_context("forkserver" if FORKS else "spawn")


def start(process: BaseProcess) -> None:
    """Starts a process of :func:`worker_context`. With Ctrl-C it may be waited for no longer."""
    if FORKS:
        _start_server()
        process.start()  # waits for the server's imports
    else:
        with _worker_environment():
            process.start()


def import_ahead() -> None:
    """Starts the server, so that it imports torch while this process imports its own; it ends with
    this process. Without it, it starts with the first worker."""
    if FORKS and core_count() > 1:
        _start_server()
        atexit.register(_end_server)


def _start_server() -> None:
    forkserver.set_forkserver_preload(PRELOADED)
    with _worker_environment():
        forkserver.ensure_running()


def _end_server() -> None:
    """One that is importing would keep a pipe open, and its reader waiting."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):  # one that has ended by itself
            if "multiprocessing.forkserver" in " ".join(child.cmdline()):
                child.kill()


@contextmanager
def _worker_environment() -> Iterator[None]:
    """Processes that are started inside keep freed memory, unless the user's environment says
    otherwise; are deaf to Ctrl-C, which would end them with a traceback while they import; and
    import what this process would, which a file of the working folder could hide."""
    before = dict(os.environ)
    places = [str(Path(place).absolute()) for place in sys.path if place]
    path = os.pathsep.join(place for place in places if os.pathsep not in place)
    os.environ.update(MALLOC | before | {"PYTHONSAFEPATH": "1", "PYTHONPATH": path})
    main = threading.current_thread() is threading.main_thread()  # signals are its own
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN) if main else None
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        if handler is not None:
            signal.signal(signal.SIGINT, handler)
