"""Files of the user's, and the folder of those that the program fetches or makes."""

import os
import stat
import time
from collections.abc import Iterator
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path

from platformdirs import user_cache_path

from activation_search.errors import MachineError, UserError

# A second change within one tick of a file system's clock leaves no trace in the file's times;
# the coarsest ticks in use are 10 ms.
TICK_SECONDS = 0.05
FOLDER_DEPTH = 3  # data.path / part / class / image


def cache_folder() -> Path:
    """Where data is kept: ``~/.cache/activation_search``, or where the system keeps such files
    (``$XDG_CACHE_HOME``, ``~/Library/Caches``, ``%LOCALAPPDATA%``).

    Raises:
        MachineError: the user has no home folder.
    """
    try:
        return user_cache_path("activation_search", appauthor=False)
    except RuntimeError as error:
        raise MachineError(
            "There is no home folder to keep data in; set XDG_CACHE_HOME to a folder."
        ) from error


def given_file(setting: str, path: str | None, example: str) -> Path:
    """The file that a setting names.

    Raises:
        UserError: no path is given, nothing lies at it, or it is a folder, a pipe or a device,
            which could be read for ever.
    """
    found = _given(setting, path, example)
    if found.is_dir():
        raise UserError(f"{setting}={path} is a folder; it must be a file, such as {example}.")
    if not found.is_file():
        raise UserError(f"{setting}={path} is a pipe, socket or device; it must be a file.")
    return found


def given_folder(setting: str, path: str | None, example: str) -> Path:
    """The folder that a setting names.

    Raises:
        UserError: no path is given, nothing lies at it, or it is a file.
    """
    found = _given(setting, path, example)
    if not found.is_dir():
        raise UserError(f"{setting}={path} is a file; it must be a folder, such as {example}.")
    return found


def _given(setting: str, path: str | None, example: str) -> Path:
    if not path:
        raise UserError(f"This data set needs {setting}={example}.")
    try:
        found = Path(path).expanduser()
        exists = found.exists()
        beside = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
    except (OSError, RuntimeError) as error:  # a name too long, no permission, an unknown user
        raise UserError(f"{setting}={path} cannot be looked up: {error}.") from error
    if not exists:
        guesses = get_close_matches(found.name, beside, n=1)
        guess = f", did you mean {found.parent / guesses[0]}?" if guesses else "."
        raise UserError(f"{setting}={path}: nothing is there{guess}")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


State = tuple[tuple[str, int, int, int, int], ...]


def state(path: str) -> State | None:
    """Size, times and inode of a file, or of all files of a folder: another state, other content.

    Returns:
        The state, or ``None`` where it cannot tell: what lies there cannot be looked up, or was
        changed a moment ago and may change again without a trace.
    """
    try:
        found = list(_stats(Path(path).expanduser(), FOLDER_DEPTH))
    except (OSError, ValueError, RuntimeError):
        return None
    now = time.time()
    if any(abs(now - s.st_mtime) < TICK_SECONDS for _, s in found):
        return None
    return tuple((name, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for name, s in found)


def _stats(path: Path, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    found = path.stat()
    yield path.name, found
    if depth and stat.S_ISDIR(found.st_mode):
        for inner in sorted(path.iterdir()):
            if inner.exists():  # a link to nothing is no image
                yield from _stats(inner, depth - 1)
