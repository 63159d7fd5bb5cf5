"""Which paths are read, and when a file counts as changed."""

import os
from pathlib import Path

import pytest

from activation_search.data import files as files_module
from activation_search.data.files import cache_folder, given_file, given_folder, state
from activation_search.errors import MachineError, UserError


def test_files_and_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my.csv").write_text("a")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert given_file("data.path", "~/my.csv", "x.csv") == tmp_path / "my.csv"
    assert given_folder("data.path", str(tmp_path), "x") == tmp_path


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (None, "This data set needs data.path=x.csv"),
        ("{}/mx.csv", r"nothing is there, did you mean .*/my.csv\?"),
        ("{}/none/at/all", "nothing is there\\."),
        ("{}", "is a folder; it must be a file, such as x.csv"),
        ("{}/pipe", "is a pipe, socket or device; it must be a file"),
        ("/dev/null", "is a pipe, socket or device"),
        ("{}/" + 300 * "a", "cannot be looked up: .*File name too long"),
        ("~nobody_of_that_name/x", "cannot be looked up"),
        ("{}/my.csv\0", "nothing is there"),
    ],
)
def test_paths_that_are_no_file(tmp_path: Path, path: str | None, sentence: str) -> None:
    (tmp_path / "my.csv").write_text("a")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match=sentence):
        given_file("data.path", path and path.format(tmp_path), "x.csv")


def aged(path: Path, seconds: int = 100) -> None:
    """As if last changed so long ago."""
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_the_state_follows_every_change(tmp_path: Path) -> None:
    image = tmp_path / "train" / "rose" / "1.png"
    image.parent.mkdir(parents=True)
    image.write_text("a")
    assert state(str(image)) is None  # changed a moment ago: it may change again unnoticed
    everything = [image, image.parent, image.parents[1], tmp_path]
    for path in everything:
        aged(path)
    before = state(str(tmp_path)), state(str(image))
    assert before == (state(str(tmp_path)), state(str(image)))
    assert None not in before
    image.write_text("b")  # of the same size
    aged(image, 101)
    assert state(str(image)) not in (None, before[1])
    assert state(str(tmp_path)) not in (None, before[0])
    held = state(str(tmp_path))
    (tmp_path / "train" / "rose" / "2.png").write_text("")
    for path in [*everything, tmp_path / "train" / "rose" / "2.png"]:
        aged(path)
    assert state(str(tmp_path)) not in (None, held)


def test_what_is_not_there_has_no_state(tmp_path: Path) -> None:
    assert state(str(tmp_path / "none")) is None
    assert state("~nobody_of_that_name/x") is None


def test_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(*_: object, **__: object) -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(files_module, "user_cache_path", nobody)
    with pytest.raises(MachineError, match=r"There is no home folder .* set XDG_CACHE_HOME"):
        cache_folder()
