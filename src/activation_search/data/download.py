"""Fetches a file once: from the first mirror that has it, whole and unaltered, or not at all."""

import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock
from rich.console import Console
from rich.progress import DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from activation_search.data.files import cache_folder, file_hash
from activation_search.errors import UserError

TIMEOUT_SECONDS = 30.0
LEAST_BYTES_PER_SECOND = 1000
CHUNK = 1 << 16


@dataclass(frozen=True)
class Download:
    """A file of the net.

    Args:
        name: below the cache folder, as ``mnist/train-labels-idx1-ubyte.gz``.
        urls: where it may lie, in the order in which they are tried.
        sha256: hexadecimal digits.
        most_bytes: more than the file has; a server that sends more is not listened to.
    """

    name: str
    urls: tuple[str, ...]
    sha256: str
    most_bytes: int


class _TooLarge(ValueError):
    """More bytes than the file can have."""


def fetch(download: Download, timeout: float = TIMEOUT_SECONDS) -> Path:
    """The file in the cache folder, downloaded if it is not there.

    A broken download is resumed. Several processes wait for one another.

    Args:
        download: what to fetch.
        timeout: seconds that a server may stay silent, or be slower than a modem.

    Raises:
        UserError: no mirror gives the file, the cache folder cannot be written, or another file
            lies there.
    """
    path = cache_folder() / download.name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.exists():
                _fetch(download, path, timeout)
        found = file_hash(path)
    except OSError as error:
        raise UserError(f"Cannot write {path}: {error.strerror or error}.") from error
    if found != download.sha256:  # put there by hand, or damaged since
        raise UserError(
            f"{path} is another file than expected (SHA-256 {found[:12]}…); delete it to fetch it."
        )
    return path


def _fetch(download: Download, path: Path, timeout: float) -> None:
    part = path.with_name(f"{path.name}.part")
    failures = []
    for url in download.urls:
        # What was there from before may itself be wrong: then once more from the start.
        for resumed in (True, False) if part.exists() else (False,):
            try:
                _transfer(url, part, download.most_bytes, path.name, timeout)
            except _TooLarge as error:
                part.unlink(missing_ok=True)
                if resumed:
                    continue
                failures.append(f"{url}: {error}")
                break
            except (OSError, ValueError, HTTPException) as error:
                failures.append(f"{url}: {_reason(error)}")  # not found, silent, ended early, …
                break
            found = file_hash(part)
            if found == download.sha256:
                os.replace(part, path)
                return
            part.unlink()
            if not resumed:
                failures.append(f"{url}: another file than expected (SHA-256 {found[:12]}…)")
    raise UserError(
        f"Cannot download {path.name} ({'; '.join(failures)}). A copy of it from elsewhere can be "
        f"put at {path}."
    )


def _transfer(url: str, part: Path, most_bytes: int, name: str, timeout: float) -> None:
    """Appends to ``part`` what it lacks; never more than ``most_bytes`` and a chunk in all."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    try:
        response = urllib.request.urlopen(request, timeout=timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code != 416:
            raise
        return  # nothing lies behind what is there
    with response:
        resumed = response.status == 206
        left = int(response.headers.get("Content-Length", 0))
        have = have if resumed else 0
        if have + left > most_bytes:
            raise _TooLarge(f"{have + left:,} bytes are offered, at most {most_bytes:,} expected")
        with part.open("ab" if resumed else "wb") as file, _progress() as bar:
            task = bar.add_task(name, completed=have, total=have + left or None)
            since, received, total = time.monotonic(), 0, have
            while chunk := response.read1(CHUNK):
                file.write(chunk)
                bar.advance(task, len(chunk))
                received += len(chunk)
                total += len(chunk)
                if total > most_bytes:  # whatever length was announced
                    raise _TooLarge(f"more than the {most_bytes:,} bytes that are expected")
                if time.monotonic() - since > timeout:
                    if received < LEAST_BYTES_PER_SECOND * timeout:
                        raise TimeoutError(f"slower than {LEAST_BYTES_PER_SECOND} bytes per second")
                    since, received = time.monotonic(), 0
        size = part.stat().st_size
        if left and size < have + left:
            raise ValueError(f"ended after {size} of {have + left} bytes")


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), DownloadColumn(), TransferSpeedColumn())
    return Progress(*columns, console=Console(file=sys.stderr), transient=True)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or error
    return " ".join(str(reason).split()) or type(error).__name__


def mirrors(folders: Sequence[str], name: str) -> tuple[str, ...]:
    """The addresses of a file that lies in several folders."""
    return tuple(folder + name for folder in folders)
