"""Damaged journals of studies: what is sound is kept, and the study goes on."""

import os
import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import optuna
import pytest

from activation_search.errors import MachineError, UserError
from activation_search.search.study import open_storage

SOUND = 6  # trials


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal with some finished trials."""
    path = tmp_path / "journal.log"
    study = optuna.create_study(storage=open_storage(f"journal://{path}"), study_name="s")
    for number in range(SOUND):
        study.add_trial(optuna.trial.create_trial(value=number / 10))
    return path


def opened(path: Path) -> optuna.Study:
    return optuna.load_study(study_name="s", storage=open_storage(f"journal://{path}"))


def values(study: optuna.Study) -> list[float]:
    return [trial.value for trial in study.trials]


ONE_MORE = b'{"op_code":4,"worker_id":"w","study_id":0,"distributions":{},"state":1,"value":9.0}\n'
ENDS = {
    "half a line": ONE_MORE[:40],
    "one character": ONE_MORE[:1],
    "all but the line's end": ONE_MORE[:-1],
    "zeros": bytes(512),
    "zeros and a line's end": bytes(511) + b"\n",
    "zeros on several lines": (bytes(100) + b"\n") * 3,
    "no UTF-8": b'{"op_code":\xff\xfe\n',
    "another kind of value": b"17\n[1]\n",
    "an object of another kind": b'{"key":1}\n',
    "half a long line": b'{"op_code":4,"x":"' + b"a" * 200_000,
}


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS)
def test_an_unsound_end_is_cut_off(path: Path, end: bytes, capsys) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole + end)
    study = opened(path)
    assert path.read_bytes() == whole
    assert f"{len(end)} bytes" in capsys.readouterr().err
    study.add_trial(optuna.trial.create_trial(value=7.0))
    assert values(opened(path)) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 7.0]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("end", [end for end in ENDS.values() if end != ONE_MORE[:-1]])
def test_an_unsound_line_between_others_is_named(path: Path, end: bytes) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    damaged = b"".join([*lines[:4], end.rstrip(b"\n") + b"\n", *lines[4:]])
    path.write_bytes(damaged)
    with pytest.raises(UserError, match=r"^Line 5 of .*journal\.log is damaged") as caught:
        opened(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == damaged
    path.write_bytes(b"".join(lines[:4]))  # as the sentence advises
    assert len(opened(path).trials) == 3


def test_a_line_torn_by_another_process_is_not_glued_to(path: Path) -> None:
    study = opened(path)
    with path.open("ab") as file:
        file.write(ONE_MORE[:30])
    study.add_trial(optuna.trial.create_trial(value=7.0))
    assert values(opened(path))[-2:] == [0.5, 7.0]


@pytest.mark.parametrize("content", [b"", b"{", b'{"op_code":0,"worker', bytes(4096)])
def test_a_journal_of_which_nothing_is_sound_begins_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(content)
    study = optuna.create_study(storage=open_storage(f"journal://{path}"), study_name="s")
    study.add_trial(optuna.trial.create_trial(value=7.0))
    assert values(opened(path)) == [7.0]


@pytest.mark.parametrize(
    "content",
    [
        b"name,age\n1,2\n",
        b"{}\n",
        b"PK\3\4",
        b"no line end",
        bytes(4096) + b"CD001\n\1" + bytes(99),
    ],
)
def test_a_file_of_another_kind_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "mine.csv"
    path.write_bytes(content)
    with pytest.raises(UserError, match="is no journal of a study"):
        open_storage(f"journal://{path}")
    assert path.read_bytes() == content


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """As a full disk: what is written beyond fails, after as much as fits."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


@pytest.mark.parametrize("room", [0, 1, 5, 20, 50, 80, 100, 120, 150, 160])
def test_a_full_disk_takes_nothing(path: Path, room: int) -> None:
    study = opened(path)
    whole = path.read_bytes()
    with files_of_at_most(len(whole) + room), pytest.raises(OSError, match="too large") as caught:
        study.add_trial(optuna.trial.create_trial(value=7.0))
    assert caught.value.filename == str(path)
    assert path.read_bytes() == whole
    study.add_trial(optuna.trial.create_trial(value=8.0))
    assert values(opened(path)) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 8.0]


@pytest.mark.parametrize("moment", range(10))
def test_a_kill_inside_a_write_takes_nothing_else(path: Path, moment: int) -> None:
    """Each byte of the line may be the last one that was written."""
    whole = path.read_bytes()
    cut = len(ONE_MORE) * moment // 10
    child = os.fork()
    if child == 0:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, ONE_MORE[:cut])
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)
    assert values(opened(path)) == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5]
    assert path.read_bytes() == whole


def test_a_deleted_folder_is_a_sentence(path: Path) -> None:
    study = opened(path)
    path.unlink()
    path.parent.rmdir()
    with pytest.raises(MachineError, match=r"journal\.log was deleted while the study ran"):
        study.add_trial(optuna.trial.create_trial(value=8.0))
    with pytest.raises(MachineError, match=r"journal\.log was deleted while the study ran"):
        study.get_trials()
