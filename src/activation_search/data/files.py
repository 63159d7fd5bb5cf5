"""Files of the user's, and the folder of those that the program fetches or makes."""

import os
from difflib import get_close_matches
from hashlib import file_digest
from pathlib import Path

from activation_search.errors import UserError


def cache_folder() -> Path:
    """Where data is kept: ``$XDG_CACHE_HOME/activation_search``, or in ``~/.cache``."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "activation_search"


def given_path(setting: str, path: str | None, example: str) -> Path:
    """The path in a setting.

    Raises:
        UserError: none is given, or nothing is there.
    """
    if not path:
        raise UserError(f"This data set needs {setting}={example}.")
    try:
        found = Path(path).expanduser()
        exists = found.exists()
    except (OSError, RuntimeError) as error:  # a name too long, or a user who is not there
        raise UserError(f"{setting}={path} is no path: {error}.") from error
    if not exists:
        there = [p.name for p in found.parent.iterdir()] if found.parent.is_dir() else []
        guesses = get_close_matches(found.name, there, n=1)
        guess = f", did you mean {found.parent / guesses[0]}?" if guesses else "."
        raise UserError(f"{setting}={path}: nothing is there{guess}")
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, as hexadecimal digits."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()
