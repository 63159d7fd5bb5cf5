"""Files are replaced whole or not at all."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activation_search.atomic import discard_unfinished, replacing, write_text


def test_the_old_file_is_replaced(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("old")
    with replacing(path) as new:
        assert new.suffix == ".csv"
        new.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_an_error_leaves_the_old_file_alone(tmp_path: Path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as new:
            new.write_text("half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_utf8(tmp_path: Path):
    write_text(tmp_path / "a.md", "±0.1")
    assert (tmp_path / "a.md").read_bytes() == b"\xc2\xb10.1"


def test_a_killed_writer_leaves_what_can_be_discarded(tmp_path: Path):
    path = tmp_path / "last.ckpt"
    path.write_text("old")
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from activation_search.atomic import replacing\n"
        "with replacing(Path(sys.argv[1])) as new:\n"
        "    new.write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], env=os.environ)
    assert done.returncode == -signal.SIGKILL
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    discard_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [path]
