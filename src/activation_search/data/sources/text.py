"""Text, of which each next character is asked.

    python train.py model=transformer data=text
    python train.py model=transformer data=text data.path=novel.txt

Without a path it is Python's standard library, real text that lies on every machine; its hash is
recorded with each run, since it differs between versions of Python. A file is UTF-8, with or
without a byte-order mark, and each end of a line is one character, CRLF as well. A sample is
``context`` characters in a row, its target the characters one place on. The last tenth is the test
part.
"""

import sysconfig
from pathlib import Path

import numpy as np

from activation_search.config.data import ShakespeareConfig, TextConfig
from activation_search.data.download import Download, fetch
from activation_search.data.files import given_file
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Source
from activation_search.errors import UserError

TEST_SHARE = 0.1
LIBRARY_CHARACTERS = 1_000_000
MAX_CHARACTERS = 4096  # different ones; a text with more needs words or parts of them as tokens
SHAKESPEARE = Download(
    "tiny_shakespeare/input.txt",
    ("https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",),
    "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
    most_bytes=4_000_000,
)


def load(config: TextConfig) -> Source:
    """A text file of the user's, or the standard library.

    Raises:
        UserError: a file that is no text, or is too short.
    """
    if config.path is None:
        text = standard_library(config.characters or LIBRARY_CHARACTERS)
        return from_text(text, config.context, "standard library")
    path = given_file("data.path", config.path, "my.txt")
    try:
        with path.open(encoding="utf-8-sig") as file:
            text = file.read(config.characters)
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read as text in UTF-8: {error}.") from error
    return from_text(text, config.context, str(path))


def tiny_shakespeare(config: ShakespeareConfig) -> Source:
    """1,115,394 characters of plays, 65 different ones (Karpathy 2015).

    Raises:
        UserError: it cannot be fetched.
    """
    text = fetch(SHAKESPEARE).read_text(encoding="utf-8")
    return from_text(text, config.context, "tiny Shakespeare")


def standard_library(characters: int) -> str:
    """The first ``characters`` of its top-level modules, by name; what is not ASCII as ``?``."""
    text = ""
    for path in sorted(Path(sysconfig.get_path("stdlib")).glob("*.py")):
        text += path.read_bytes().decode("utf-8", "replace").encode("ascii", "replace").decode()
        if len(text) >= characters:
            break
    return text[:characters]


def from_text(text: str, context: int, where: str) -> Source:
    """Samples of ``context`` characters without overlap.

    Raises:
        UserError: the text is too short, or holds too many different characters.
    """
    names = tuple(sorted(set(text)))
    cut = round((1 - TEST_SHARE) * len(text))
    if len(text) - cut <= context:
        raise UserError(
            f"{where} has {len(text)} characters; with data.context={context} it needs "
            f"{round((context + 1) / TEST_SHARE)} or more."
        )
    if len(names) > MAX_CHARACTERS:
        raise UserError(
            f"{where} holds {len(names)} different characters; at most {MAX_CHARACTERS} can be "
            "told apart."
        )
    codes = np.array([ord(name) for name in names])
    tokens = np.searchsorted(codes, np.frombuffer(text.encode("utf-32-le"), np.uint32))
    tokens = tokens.astype(np.uint8 if len(names) <= 256 else np.int32)
    return Source(
        *_windows(tokens[:cut], context),
        *_windows(tokens[cut:], context),
        Sample("tokens", (context,), vocabulary=len(names)),
        Target("next", len(names), names),
        origin={"text": where},
    )


def _windows(tokens: np.ndarray, context: int) -> tuple[np.ndarray, np.ndarray]:
    """Pieces of the text, and the same one place on; both are views of it."""
    count = (len(tokens) - 1) // context
    return (
        tokens[: count * context].reshape(count, context),
        tokens[1 : count * context + 1].reshape(count, context),
    )
