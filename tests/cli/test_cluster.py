"""A study on a Dask cluster whose machines die, kept on a PostgreSQL server.

Needs PostgreSQL's server programs (Debian: ``apt-get install postgresql``), which ``.ci/run``
installs; the test starts a server of its own on a free port and removes it afterwards.
"""

import json
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

from activation_search.engine import cluster as cluster_module

from ..program import Program
from ..waiting import output_of
from . import held
from .conftest import Command
from .test_sweep import SMALL, caught, check_exact, folder, journal, start

__all__ = ["folder"]  # a fixture


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


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator["Scheduler"]:
    pytest.importorskip("distributed")
    found = Scheduler(tmp_path)
    found.start()
    yield found
    found.end()


class Scheduler:
    """A Dask scheduler and its workers, each machine with a working folder of its own."""

    def __init__(self, root: Path):
        self.root = root
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
        self.processes: list[Program] = []

    def start(self) -> Program:
        port = self.address.rpartition(":")[2]
        return self._run(self.root, "scheduler", "--host", "127.0.0.1", "--port", port,
                         "--no-dashboard", "--no-show")  # fmt: skip

    def add_machine(self, name: str, *, nanny: bool = False) -> tuple[Path, Program]:
        """The working folder and the process of a worker, in a process group of its own; as users
        have it with a nanny, which starts the worker as one process more that imports anew."""
        folder = self.root / name
        folder.mkdir()
        shutil.copy(Path(held.__file__), folder)
        arguments = [self.address, "--nthreads", "1", "--no-dashboard", "--name", name]
        arguments += [] if nanny else ["--no-nanny"]
        return folder, self._run(folder, "worker", *arguments)

    def _run(self, folder: Path, *arguments: str) -> Program:
        process = Program(
            ["-m", "dask", *arguments], folder, {"PYTHONPATH": str(folder), "HOLDS": "yes"}
        )
        self.processes.append(process)
        return process

    def end(self) -> None:
        for process in self.processes:
            kill(process)


def kill(process: Program) -> None:
    """The process and all that it has started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def test_two_machines_one_of_which_dies(scheduler: Scheduler, server: str, folder: Path) -> None:
    one, _ = scheduler.add_machine("one", nanny=True)
    two, dying = scheduler.add_machine("two", nanny=True)
    # Their disks are their own: a folder of results each.
    driver = start(folder, "trials=6", f"cluster={scheduler.address}", f"storage={server}",
                   "logs=logs")  # fmt: skip
    storage = RDBStorage(server)

    def study() -> optuna.Study:
        return optuna.load_study(study_name="s", storage=storage)

    caught(study, 0, {one: 1, two: 1}, driver)
    (two / held.ONCE).touch()
    caught(study, 1, {one: 1, two: 1}, driver)
    kill(dying)
    (one / held.ALL).touch()
    out = output_of(driver)
    assert driver.returncode == 0, out
    assert "Workers write to disks of their own" in out
    assert "hunter2" not in out
    check_exact(study(), 6)
    # Results have come here, from both.
    found = [Path(d) for t in study().trials for d in t.user_attrs["directory"]]
    assert all((folder / directory / "result.json").is_file() for directory in found)
    assert len(list(two.glob("logs/**/result.json"))) == 2  # one finished, one killed
    assert len(list(one.glob("logs/**/result.json"))) == 5
    storage.remove_session()
    storage.engine.dispose()


def test_a_scheduler_that_dies(scheduler: Scheduler, folder: Path) -> None:
    one, worker = scheduler.add_machine("one")
    overrides = ["trials=3", f"cluster={scheduler.address}"]
    driver = start(folder, *overrides)
    (one / held.ONCE).touch()
    caught(lambda: journal(folder), 1, {one: 1}, driver)
    kill(scheduler.processes[0])
    out = output_of(driver)
    assert driver.returncode == 1, out
    assert f"Error: The scheduler at {scheduler.address} does not answer any more" in out
    assert "Traceback" not in out
    kill(worker)
    check_exact(journal(folder), 1)
    scheduler.start()
    two, _ = scheduler.add_machine("two")
    (two / held.ALL).touch()
    out = output_of(start(folder, *overrides))
    assert "3/3" in out
    check_exact(journal(folder), 3)


def test_a_driver_that_dies_leaves_the_workers_free(scheduler: Scheduler, folder: Path) -> None:
    one, _ = scheduler.add_machine("one")
    overrides = ["trials=4", f"cluster={scheduler.address}", "pruner=median", "prune_warmup=1"]
    driver = start(folder, *overrides)
    (one / held.ONCE).touch()
    caught(lambda: journal(folder), 1, {one: 1}, driver)
    kill(driver)
    output_of(driver)
    (one / held.ALL).touch()
    resumed = start(folder, *overrides)
    out = output_of(resumed)
    assert resumed.returncode == 0, out
    check_exact(journal(folder), 4)
    # The driver was asked at each epoch.
    assert [len(t.intermediate_values) for t in journal(folder).trials] == [2, 2, 2, 2]
    reasons = [json.loads(p.read_text())["reason"] for p in one.glob("../sweeps/**/result.json")]
    assert [reason for reason in reasons if reason] == ["JobError: its driver has gone"]


@pytest.mark.parametrize("address", ["nonsense://x", "8786", "tcp://127.0.0.1:1"])
def test_no_scheduler_is_a_sentence(
    address: str,
    command: Command,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(cluster_module, "CONNECT_SECONDS", 1.0)
    given = [*SMALL, f"cluster={address}", f"logs={tmp_path}"]
    assert command("scripts/sweep.py", *given) == 2
    err = capsys.readouterr().err
    assert err.startswith("Error: ")
    assert f"cluster={address}" in err
    assert len(err.splitlines()) == 1
