"""The processes that workers run in. Torch is not imported here."""

import multiprocessing
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.context import BaseContext

# For glibc, which otherwise hands freed tensors back to the system, to have their pages cleared
# at the next step: a tenth of a small CNN's time. In bytes: how much is kept free for the next
# tensors, and from what size on a block is given back at once, glibc's largest.
MALLOC = {
    "MALLOC_TRIM_THRESHOLD_": str(2**30),
    "MALLOC_MMAP_THRESHOLD_": str(2**25),
}
PRELOADED = ["activation_search.engine.local"]  # torch, Lightning, and what trains


def worker_context() -> BaseContext:
    """Of processes that share nothing with this one, whose threads and GPU a plain fork would
    break. Where the system can, they are forks of a server that has imported torch and Lightning:
    the second worker, and one in place of a dead one, starts at once and shares its memory."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    return context


def import_ahead() -> None:
    """Starts that server, so that it imports torch while this process imports its own; without
    it, it starts with the first worker."""
    if worker_context().get_start_method() == "forkserver":
        with worker_environment():
            forkserver.ensure_running()


@contextmanager
def worker_environment() -> Iterator[None]:
    """Processes that are started inside keep freed memory, unless the user's environment says
    otherwise, and are deaf to Ctrl-C, which would end them with a traceback while they import."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    ours = {name: value for name, value in MALLOC.items() if name not in os.environ}
    os.environ.update(ours)
    try:
        yield
    finally:
        for name in ours:
            os.environ.pop(name, None)
        signal.signal(signal.SIGINT, handler)
