"""Readers of the files that image sets are published as. Nothing is unpickled."""

import gzip
import tarfile
import zlib
from pathlib import Path

import numpy as np

from activation_search.errors import UserError

CIFAR_SHAPE = (3, 32, 32)


def read_idx(path: Path) -> np.ndarray:
    """The bytes of a gzipped IDX file, as MNIST comes in.

    Two zero bytes, the type (8 for bytes), the number of dimensions, each length as big-endian
    int32, then the values.

    Raises:
        UserError: it is no such file.
    """
    try:
        with gzip.open(path) as file:
            data = file.read()
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); delete it to fetch it again.") from error
    dimensions = data[3] if len(data) > 3 else 0
    start = 4 + 4 * dimensions
    shape = tuple(np.frombuffer(data[4:start], ">i4")) if len(data) >= start else ()
    if data[:3] != b"\0\0\x08" or not shape or len(data) - start != np.prod(shape):
        raise UserError(f"{path} is no IDX file of bytes.")
    # A copy, since torch wants memory that can be written.
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def read_cifar(path: Path, members: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[N, 3, 32, 32]`` and labels of some members of CIFAR-10's binary archive.

    Each record is one byte for the label and 3,072 for the red, green and blue planes.

    Raises:
        UserError: the archive or a member is not what it should be.
    """
    record = 1 + int(np.prod(CIFAR_SHAPE))
    parts = []
    try:
        with tarfile.open(path) as archive:
            for member in members:
                file = archive.extractfile(member)
                data = file.read() if file else b""
                if not data or len(data) % record:
                    raise UserError(f"{path}: {member} is no CIFAR-10 batch.")
                parts.append(np.frombuffer(data, np.uint8).reshape(-1, record))
    except (tarfile.TarError, KeyError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); delete it to fetch it again.") from error
    count = sum(len(part) for part in parts)
    images = np.empty((count, *CIFAR_SHAPE), np.uint8)
    labels = np.empty(count, np.int64)
    start = 0
    while parts:  # one after the other is let go, since all of them are large
        part = parts.pop(0)
        images[start : start + len(part)] = part[:, 1:].reshape(-1, *CIFAR_SHAPE)
        labels[start : start + len(part)] = part[:, 0]
        start += len(part)
    return images, labels
