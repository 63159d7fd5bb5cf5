"""Files that are replaced whole or not at all, whatever happens while they are written."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a new file beside ``path`` to write to, which takes its place at the end of the block.

    The content is on the disk before the name changes hands, so that a power cut leaves the old
    file or the new one. An error in the block leaves the old file and nothing else. The new file
    lies in the same folder, since renaming across file systems copies, and a copy can be torn.

    Args:
        path: the file to replace; it need not exist.

    Raises:
        OSError: the file cannot be written, for instance because the disk is full; its
            ``filename`` is ``path``.

    Example:
        with replacing(Path("table.csv")) as new:
            new.write_text("a,b\\n")
    """
    # Named by its process, so that two of them never write into one; the ending stays, since some
    # writers choose the format by it.
    new = path.with_name(f".{path.stem}-{os.getpid()}.new{path.suffix}")
    try:
        yield new
        with new.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(new, path)
    except BaseException as error:
        with suppress(OSError):  # such as a folder that is gone
            new.unlink()
        if isinstance(error, OSError):
            error.filename = str(path)  # an error of writing names no file, others the new one
        raise


def write_text(path: Path, text: str) -> None:
    """Replaces the file by this text, in UTF-8, whole or not at all; see :func:`replacing`."""
    with replacing(path) as new:
        new.write_text(text, encoding="utf-8")


def discard_unfinished(folder: Path) -> None:
    """Removes what killed processes left of files they were writing.

    Only for a folder that no other process writes to.
    """
    for left_over in folder.glob(".*.new*"):
        left_over.unlink(missing_ok=True)
