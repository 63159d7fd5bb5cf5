"""Python programs in processes of their own that start at once.

A new process imports torch and Lightning for seconds, and so does the server of a command's
workers. Here both are forks of a process that has imported them, where the system can (see
:mod:`activation_search.engine.forks`): with a group, signals, pipes, environment and folder of
their own, but the same hash seed, and without the first import of anything. These are looked at
where new processes are started: of a study, in ``tests/cli/test_sweep.py``; of a run, in
``tests/cli/test_train.py``; of the Python API, in ``tests/test_api.py``.
"""

import atexit
import multiprocessing
import multiprocessing.process
import os
import runpy
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing import forkserver, util
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType

from activation_search.engine import forks

from .command import ROOT

# Where Python looks, before tests add their folders; pytest adds the repository.
SEARCH_PATH = [place for place in sys.path if place and Path(place) != ROOT]
START = util.spawnv_passfds
# Against hanging for ever, and nothing else: no machine under any load is as slow.
SAFETY_SECONDS = 600.0


class Program:
    """What tests need of :class:`subprocess.Popen`, in a session of its own.

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
        given = (self.args, folder or Path.cwd(), {**os.environ, **(environment or {})})
        pipes = [multiprocessing.Pipe(duplex=False) for _ in range(3)]
        writers = [writer for _, writer in pipes]
        self._process = forks.worker_context().Process(
            target=_become, args=(*given, SEARCH_PATH, *writers)
        )
        forks.start(self._process)
        # If a test fails it may wait for ever, and multiprocessing for its end.
        multiprocessing.process._children.discard(self._process)
        atexit.register(self.kill)
        for writer in writers:
            writer.close()
        out, error, ready = (reader for reader, _ in pipes)
        self._outputs = [_Output(out), _Output(error)]
        with ready, suppress(EOFError):
            ready.recv()

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    @property
    def returncode(self) -> int | None:
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def kill(self) -> None:
        if self.poll() is None:
            self._process.kill()

    def wait(self, timeout: float = SAFETY_SECONDS) -> None:
        self._process.join(timeout)
        if self.poll() is None:
            raise subprocess.TimeoutExpired(self.args, timeout)

    def communicate(self, timeout: float = SAFETY_SECONDS) -> tuple[str, str]:
        """Its output and errors, once it and all that hold its pipes have ended."""
        deadline = time.monotonic() + timeout
        for output in self._outputs:
            output.join(max(0.0, deadline - time.monotonic()))
            if output.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout)
        self.wait(max(0.0, deadline - time.monotonic()))
        out, error = (output.text for output in self._outputs)
        return out, error


def python(
    *arguments: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """The program when it has ended; see :class:`Program`."""
    program = Program(arguments, folder, environment)
    try:
        out, error = program.communicate()
    finally:
        program.kill()
    assert program.returncode is not None
    return subprocess.CompletedProcess(program.args, program.returncode, out, error)


class _Output(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, pipe: Connection):
        super().__init__(daemon=True)
        self.pipe, self.text = pipe, ""
        self.start()

    def run(self) -> None:
        # One that is killed may have written half a character.
        with self.pipe, open(self.pipe.fileno(), closefd=False, errors="replace") as file:
            self.text = file.read()


def _become(
    arguments: list[str],
    folder: Path,
    environment: dict[str, str],
    search_path: list[str],
    out: Connection,
    error: Connection,
    ready: Connection,
) -> None:
    """Makes of a fork what Python makes of a new process, and runs the program."""
    os.setsid()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for pipe, standard in ((out, 1), (error, 2)):
        os.dup2(pipe.fileno(), standard)
        pipe.close()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.path[:] = [*filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *search_path]
    _be_main()
    if forks.FORKS:
        util.spawnv_passfds = _start
    ready.close()
    try:
        _run(arguments)
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()


def _be_main() -> None:
    """For multiprocessing this is nobody's worker, and no server is running."""
    multiprocessing.set_start_method(None, force=True)
    multiprocessing.process.ORIGINAL_DIR = str(Path.cwd())
    multiprocessing.process._parent_process = None
    multiprocessing.current_process().name = "MainProcess"
    forkserver._forkserver.__init__()


def _run(arguments: list[str]) -> None:
    first, *rest = arguments
    if first == "-c":
        sys.argv = ["-c", *rest[1:]]
        sys.path.insert(0, "")
        exec(compile(rest[0], "<string>", "exec"), _new_main())
    elif first == "-m":
        sys.argv = rest
        sys.path.insert(0, str(Path.cwd()))
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv = arguments
        sys.path.insert(0, str(Path(first).absolute().parent))
        runpy.run_path(first, run_name="__main__")


def _new_main() -> dict[str, object]:
    main = sys.modules["__main__"] = ModuleType("__main__")
    return vars(main)


def _start(path: bytes, arguments: Sequence[str], passed: Sequence[int]) -> int:
    """In place of what multiprocessing starts processes by: a fork server is a fork itself."""
    code = arguments[-1]
    if "multiprocessing.forkserver" not in code:
        return START(path, arguments, passed)
    util._flush_std_streams()
    if number := os.fork():
        return number
    status = 1
    try:
        _forget(passed)
        exec(code, _new_main())
    except SystemExit:
        status = 0  # nobody is left who needs the server
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        os._exit(status)


def _forget(passed: Sequence[int]) -> None:
    """What a new program does not have of the one that starts it."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    kept = sorted({0, 1, 2, *passed})
    for low, high in zip(kept, [*kept[1:], util.MAXFD], strict=True):
        os.closerange(low + 1, high)
    forkserver._forkserver.__init__()
