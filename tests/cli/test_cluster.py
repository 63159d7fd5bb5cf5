"""One study on a PostgreSQL server, worked on by two machines of which one dies.

Needs PostgreSQL's server programs (Debian: ``apt-get install postgresql``), which ``.ci/run``
installs; the test starts a server of its own on a free port and removes it afterwards.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import optuna
import pytest
from optuna.storages import RDBStorage

from ..waiting import output_of
from . import held
from .test_sweep import caught, check_exact, start


def programs() -> Path | None:
    """Where initdb and pg_ctl are; Debian keeps them out of the path."""
    if found := shutil.which("pg_ctl"):
        return Path(found).parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@pytest.fixture
def server() -> Iterator[str]:
    """URL of an empty database."""
    folder = programs()
    if folder is None:
        pytest.skip("PostgreSQL is not installed")
    pytest.importorskip("psycopg")
    root = Path(tempfile.mkdtemp(prefix="pg"))
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(root, "postgres")
        as_user = ["runuser", "-u", "postgres", "--"]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def run(program: str, *arguments: str) -> None:
        command = [*as_user, str(folder / program), "-D", str(root / "data"), *arguments]
        subprocess.run(command, cwd=root, check=True, stdout=subprocess.DEVNULL)

    run("initdb", "-U", "optuna", "-A", "trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -k {root} -c fsync=off"
    run("pg_ctl", "-w", "-l", str(root / "log"), "-o", options, "start")
    try:
        yield f"postgresql+psycopg://optuna:hunter2@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-w", "-m", "immediate", "stop")
        shutil.rmtree(root)


def test_two_machines_one_of_which_dies(server: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        folder.mkdir()
        shutil.copy(Path(held.__file__), folder)
    overrides = ["trials=6", "workers=1", f"storage={server}"]
    staying, dying = (start(folder, *overrides) for folder in (one, two))
    storage = RDBStorage(server)

    def study() -> optuna.Study:
        return optuna.load_study(study_name="s", storage=storage)

    caught(study, 0, 2, staying)
    (two / held.ONCE).touch()
    caught(study, 1, 2, dying)
    os.killpg(dying.pid, signal.SIGKILL)
    dying.communicate()
    (one / held.ALL).touch()
    out = output_of(staying)
    assert staying.returncode == 0, out
    found = study()
    check_exact(found, 6)
    assert len(found.trials) == 7
    directories = [
        d
        for t in found.trials
        if "result" in t.user_attrs
        for d in t.user_attrs["result"]["directories"]
    ]
    for name in ("one", "two"):  # both took part
        assert any(f"/{name}/" in directory for directory in directories)
    storage.remove_session()
    storage.engine.dispose()
