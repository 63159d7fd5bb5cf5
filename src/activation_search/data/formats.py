"""Readers of the files that image sets are published as. Nothing is unpickled."""

import gzip
import math
import tarfile
import zlib
from pathlib import Path

import numpy as np

from activation_search.errors import UserError

CIFAR_SHAPE = (3, 32, 32)
# Unpacked: CIFAR-10 has 184 million bytes, MNIST 47. A small archive could hold any number.
MAX_BYTES = 256_000_000


def read_idx(path: Path) -> np.ndarray:
    """The bytes of a gzipped IDX file, as MNIST comes in.

    Two zero bytes, the type (8 for bytes), the number of dimensions, each length as big-endian
    int32, then the values.

    Raises:
        UserError: it is no such file.
    """
    try:
        with gzip.open(path) as file:
            head = file.read(4)
            lengths = file.read(4 * head[3]) if len(head) == 4 else b""
            shape = tuple(int(length) for length in np.frombuffer(lengths, ">i4"))
            count = math.prod(shape)
            if head[:3] != b"\0\0\x08" or len(shape) != head[3] or not 0 < count < MAX_BYTES:
                raise UserError(f"{path} is no IDX file of bytes.")
            data = file.read(count + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise UserError(f"{path} is damaged ({error}); delete it to fetch it again.") from error
    if len(data) != count:
        raise UserError(f"{path} is no IDX file of bytes.")
    # A copy, since torch wants memory that can be written.
    return np.frombuffer(data, np.uint8).reshape(shape).copy()


def read_cifar(path: Path, members: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Images ``[N, 3, 32, 32]`` and labels of some members of CIFAR-10's binary archive.

    Each record is one byte for the label and 3,072 for the red, green and blue planes.

    Raises:
        UserError: the archive or a member is not what it should be.
    """
    record = 1 + int(np.prod(CIFAR_SHAPE))
    found = {}
    try:
        with tarfile.open(path) as archive:
            for info in archive:
                if info.offset_data + info.size > MAX_BYTES:
                    raise UserError(f"{path}: {info.name} is larger than all of CIFAR-10.")
                file = archive.extractfile(info) if info.name in members else None
                if file:
                    found[info.name] = file.read()
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise UserError(f"{path} is damaged ({error}); delete it to fetch it again.") from error
    parts = []
    for member in members:
        if member not in found:
            raise UserError(f"{path} is damaged (no {member} in it); delete it to fetch it again.")
        data = found.pop(member)
        if not data or len(data) % record:
            raise UserError(f"{path}: {member} is no CIFAR-10 batch.")
        parts.append(np.frombuffer(data, np.uint8).reshape(-1, record))
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
