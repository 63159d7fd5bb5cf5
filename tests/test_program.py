"""A program that is a fork does what a new one does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .program import Program, python
from .waiting import SAFETY_SECONDS

PROGRAMS = {
    "an exit code": "import sys; print('out'); print('error', file=sys.stderr); sys.exit(3)",
    "words as exit code": "raise SystemExit('so long')",
    "a signal": "import os, signal; os.kill(os.getpid(), signal.SIGTERM)",
    "arguments": "import sys; print(sys.argv, sys.path[0])",
    "place": "import os; print(os.getcwd(), os.environ['MINE'])",
    "session": "import os; print(os.getpid() == os.getpgrp() == os.getsid(0))",
    "signals": "import signal; print([signal.getsignal(n) for n in (2, 10, 13, 15, 17)])",
    "main": "value = 1; import __main__; print(__name__, __main__.value)",
    "multiprocessing": "import multiprocessing as m; "
    "print(m.parent_process(), m.current_process().name, m.get_start_method())",
    "the end": "import atexit, threading, time\n"
    "atexit.register(print, 'last')\n"
    "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\n"
    "print('main')",
    "a fork server": "import sys\n"
    "from multiprocessing import get_context\n"
    "context = get_context('forkserver')\n"
    "print('once')\n"
    "for code in (0, 5):\n"
    "    child = context.Process(target=sys.exit, args=(code,))\n"
    "    child.start()\n"
    "    child.join()\n"
    "    print(child.exitcode)",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_as_a_new_one(program: str, tmp_path: Path) -> None:
    words = ["-c", PROGRAMS[program], "one", "two words"]
    mine = {"MINE": "value"}
    new = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env={**os.environ, **mine},
        capture_output=True,
        text=True,
        start_new_session=True,
    )
    fork = python(*words, folder=tmp_path, environment=mine)
    found, expected = [(p.returncode, p.stdout, p.stderr) for p in (fork, new)]
    assert found == expected


def test_scripts_and_modules(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    script = tmp_path / "inner" / "script.py"
    script.write_text("import sys\nprint(__name__, __file__, sys.argv[1:], sys.path[0])\n")
    place = str(script.parent)
    assert python(str(script), "x").stdout == f"__main__ {script} ['x'] {place}\n"
    assert python("-m", "script", "x", folder=script.parent).stdout == (
        f"__main__ {script} ['x'] {place}\n"
    )


def test_one_that_is_killed_in_the_middle_of_a_character() -> None:
    code = "import os, signal\nos.write(1, b'caf\\xc3')\nos.kill(os.getpid(), signal.SIGKILL)\n"
    killed = python("-c", code)
    assert (killed.returncode, killed.stdout) == (-9, "caf\N{REPLACEMENT CHARACTER}")


def test_it_is_waited_for_no_longer_than_asked() -> None:
    program = Program(["-c", "import time; time.sleep(1000)"])
    for wait in (program.wait, program.communicate):
        with pytest.raises(subprocess.TimeoutExpired):
            wait(0.01)
    assert program.poll() is None
    program.kill()
    program.wait(SAFETY_SECONDS)
    assert program.returncode == -9
    program.kill()
