"""Python's programs as processes of their own that start at once.

A new process would import torch and Lightning for seconds, and the server of a command's workers
once more. Here they are forks of a process that has imported them, where the system can (see
:mod:`activation_search.engine.forks`). All else is as when they are started anew: their group,
signals, pipes, environment and folder. A few tests start new ones, to see that these do as well.
"""

import atexit
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from multiprocessing import process, util
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

from activation_search.engine import forks

from .command import ROOT

# Where Python looks, before tests add their folders; pytest adds the repository.
PLACES = [place for place in sys.path if place and Path(place) != ROOT]


class Process:
    """What tests need of :class:`subprocess.Popen`.

    Args:
        arguments: as of ``python``: a script, or ``-c`` and code, or ``-m`` and a module; and what
            they are given.
        folder: the working folder; by default that of this process.
        environment: variables that are added to those of this process.
    """

    def __init__(
        self,
        arguments: Sequence[str],
        folder: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ):
        self.args = list(arguments)
        self._texts = ["", ""]
        pipes = [multiprocessing.Pipe(duplex=False) for _ in self._texts]
        there = (self.args, folder or Path.cwd(), {**os.environ, **(environment or {})}, PLACES)
        writers = [writer for _, writer in pipes]
        self._process = forks.worker_context().Process(target=_become, args=(*there, *writers))
        forks.start(self._process)
        for writer in writers:
            writer.close()
        self._readers = [
            threading.Thread(target=self._read, args=(i, reader), daemon=True)
            for i, (reader, _) in enumerate(pipes)
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, index: int, pipe: Connection) -> None:
        with open(pipe.fileno(), closefd=False) as file:
            self._texts[index] = file.read()
        pipe.close()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    def wait(self, timeout: float | None = None) -> None:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Its output and errors, once it and all that hold its pipes have ended."""
        for reader in self._readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(timeout)
        out, error = self._texts
        return out, error


def python(
    *arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The process when it has ended; see :class:`Process`."""
    started = Process(arguments, folder, environment)
    out, error = started.communicate()
    assert started.returncode is not None
    return subprocess.CompletedProcess(started.args, started.returncode, out, error)


def _become(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    places: list[str],
    out: Connection,
    error: Connection,
) -> None:
    """Makes of this fork what Python makes of a new process."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for pipe, standard in ((out, 1), (error, 2)):
        os.dup2(pipe.fileno(), standard)
        pipe.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *places]
    process._parent_process = None  # it is nobody's worker
    if forks.FORKS:
        util.spawnv_passfds = _fork
    try:
        _run(arguments)
    finally:
        atexit._run_exitfuncs()


def _run(arguments: list[str]) -> None:
    first, *rest = arguments
    sys.argv = arguments
    if first == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(compile(rest[0], "<string>", "exec"), vars(main))
    elif first == "-m":
        sys.argv = rest
        sys.path.insert(0, "")
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.path.insert(0, str(Path(first).absolute().parent))
        runpy.run_path(first, run_name="__main__")


def _fork(path: bytes, arguments: Sequence[str], passed: Sequence[int]) -> int:
    """In place of what multiprocessing starts ``python -c`` by: the code, in a fork."""
    if number := os.fork():
        return number
    status = 1
    try:
        kept = sorted({0, 1, 2, *passed})
        for low, high in zip(kept, [*kept[1:], os.sysconf("SC_OPEN_MAX")], strict=True):
            os.closerange(low + 1, high)
        [code, *sys.argv[1:]] = arguments[list(arguments).index("-c") + 1 :]
        main = sys.modules["__main__"] = ModuleType("__main__")
        exec(code, vars(main))
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    finally:
        os._exit(status)
