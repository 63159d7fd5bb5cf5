"""Optuna's journal of a study, which survives a write that was cut off."""

import json
import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import get_lock_file

from activation_search.errors import MachineError, UserError

_BLOCK = 1 << 16  # bytes read at a time, from the end
_FIRST_BYTES = b'{"op_code":'


class Journal(JournalFileBackend):
    """One line of JSON per operation, as Optuna's own backend writes and reads them.

    A process that is killed, or a disk that fills up, can cut the last line off. Optuna's backend
    would then append the next operation to the broken line, and the study could never be read
    again. Here:

    1. Whatever follows the last sound line is cut off when the file is opened, and a line without
       an end also before each append; both under the backend's lock, where nobody else writes.
    2. An append that fails takes back what it had written.
    3. A damaged line between sound ones is an error that names the line; the file stays as it is.

    Args:
        path: of the file; created if it does not exist.

    Raises:
        UserError: a line between sound ones is damaged.

    Example:
        storage = JournalStorage(Journal(Path("logs/sweeps/mine/journal.log")))
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self._path = path
        if not self._unsound_bytes():
            return
        with get_lock_file(self._lock):  # again, since others may have been in the middle of a line
            cut = self._unsound_bytes()
            os.truncate(path, path.stat().st_size - cut)
        if cut:
            print(
                f"Note: the end of {path} was cut off while it was written; {cut} bytes behind the "
                "last complete entry were removed.",
                file=sys.stderr,
            )

    def read_logs(self, log_number_from: int) -> Generator[dict[str, Any], None, None]:
        """The operations from this number on."""
        number = log_number_from
        try:
            with self._present():
                for log in super().read_logs(log_number_from):
                    if not _is_operation(log):
                        raise ValueError("no operation")
                    yield log
                    number += 1
        except ValueError as error:
            raise UserError(
                f"Line {number + 1} of {self._path} is damaged and others follow it: the study "
                "cannot be read. The file was left as it is; take it from a backup, or give this "
                f"study another name=…. The lines before it are sound: head -n {number} keeps them."
            ) from error

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Writes operations behind the last complete line: all of them or, on an error, none."""
        lines = "".join(json.dumps(log, separators=(",", ":")) + "\n" for log in logs)
        with self._present(), get_lock_file(self._lock):
            self._cut_torn_line()
            end = self._path.stat().st_size
            try:
                with self._path.open("ab") as file:
                    file.write(lines.encode())
                    file.flush()
                    os.fsync(file.fileno())
            except BaseException as error:
                with suppress(OSError):  # the next process cuts it off
                    os.truncate(self._path, end)
                if isinstance(error, OSError):
                    error.filename = str(self._path)  # an error of writing names no file
                raise

    @contextmanager
    def _present(self) -> Iterator[None]:
        """Raises a MachineError in place of what fails because the file is gone."""
        try:
            yield
        except (OSError, RuntimeError) as error:  # the latter of the lock
            if self._path.exists():
                raise
            raise MachineError(f"{self._path} was deleted while the study ran.") from error

    def _unsound_bytes(self) -> int:
        """How many bytes follow the last sound line.

        Raises:
            UserError: the file was never a journal.
        """
        with self._path.open("rb") as file:
            start = file.read(len(_FIRST_BYTES)).rstrip(b"\0")  # a power cut can leave zeros
            if not _FIRST_BYTES.startswith(start):
                raise self._foreign()
            file.seek(0)
            end = position = 0
            for line in file:
                position += len(line)
                if _is_sound(line):
                    end = position
                elif not (start or end) and line.strip(b"\0"):
                    raise self._foreign()  # it begins with zeros, as disk images do
            return position - end

    def _foreign(self) -> UserError:
        return UserError(f"{self._path} is no journal of a study; give another storage=….")

    def _cut_torn_line(self) -> None:
        """Removes a last line that has no end."""
        with self._path.open("r+b") as file:
            end = size = file.seek(0, os.SEEK_END)
            while end > 0:
                start = max(0, end - _BLOCK)
                file.seek(start)
                end = start + file.read(end - start).rfind(b"\n") + 1
                if end > start:
                    break
            if end < size:
                file.truncate(end)


def _is_sound(line: bytes) -> bool:
    try:
        return line.endswith(b"\n") and _is_operation(json.loads(line))
    except ValueError:
        return False


def _is_operation(log: object) -> bool:
    return isinstance(log, dict) and "op_code" in log and "worker_id" in log
