"""Small files in the true formats, as users have them and as image sets are published."""

import gzip
import io
import tarfile
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from activation_search.data.sources import image_sets, text
from activation_search.data.sources.image_sets import (
    CIFAR,
    CIFAR_FOLDER,
    IMAGES,
    LABELS,
    MNIST_LIKE,
)
from activation_search.data.sources.text import SHAKESPEARE

# What a source needs beside its name, for files of ``write_files``.
NEEDS = {
    "arrays": ["data.path=my.npz"],
    "csv": ["data.path=my.csv", "data.target=price"],
    "image_folder": ["data.path=flowers", "data.size=12"],
    "function": ["data.function=my_data.load"],
}
FUNCTION = """import numpy as np


def load():
    x = np.random.default_rng(0).normal(size=(60, 10, 2))
    y = (x.mean((1, 2)) > 0).astype(int)
    return {"x_train": x[:40], "y_train": y[:40], "x_test": x[40:], "y_test": y[40:]}
"""


def series(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """``n`` samples [12, 2] of three classes that differ in their mean."""
    generator = np.random.default_rng(seed)
    y = np.arange(n) % 3
    return generator.normal(size=(n, 12, 2)) + y[:, None, None], y


def images(n: int, channels: int = 3, size: int = 12, seed: int = 0) -> np.ndarray:
    """``[n, size, size, channels]`` of bytes."""
    return np.random.default_rng(seed).integers(0, 256, (n, size, size, channels), dtype=np.uint8)


def write_arrays(path: Path, **changes: np.ndarray | None) -> Path:
    """An ``.npz`` of 60 and 30 series; ``changes`` replace arrays, none leaves one out."""
    (x_train, y_train), (x_test, y_test) = series(60), series(30, seed=1)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    kept = {name: a for name, a in (arrays | changes).items() if a is not None}
    np.savez(path, **kept)  # type: ignore[arg-type]
    return path


def write_csv(path: Path, rows: int = 40) -> Path:
    """Rooms and age of houses, and a price that follows from them."""
    generator = np.random.default_rng(0)
    lines = ["rooms,age,price"]
    for _ in range(rows):
        rooms, age = generator.integers(1, 9), generator.uniform(0, 100)
        lines.append(f"{rooms},{age:.1f},{100 + 50 * rooms - age + generator.normal():.2f}")
    path.write_text("\n".join(lines) + "\n")
    return path


def write_images(
    folder: Path, classes: tuple[str, ...] = ("rose", "tulip"), each: int = 10
) -> Path:
    for label, name in enumerate(classes):
        (folder / name).mkdir(parents=True)
        for i, image in enumerate(images(each, size=20, seed=label)):
            Image.fromarray(image // (label + 1)).save(folder / name / f"{i}.png")
    return folder


def write_files(folder: Path) -> None:
    """One file for each source of ``NEEDS``."""
    write_arrays(folder / "my.npz")
    write_csv(folder / "my.csv")
    write_images(folder / "flowers")
    (folder / "my_data.py").write_text(FUNCTION)


def idx(array: np.ndarray) -> bytes:
    """A gzipped IDX file of bytes."""
    head = b"\0\0\x08" + bytes([array.ndim]) + np.array(array.shape, ">i4").tobytes()
    return gzip.compress(head + array.tobytes())


def cifar(records: dict[str, np.ndarray]) -> bytes:
    """A gzipped archive of batches: member -> ``[n, 3073]`` of bytes."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, array in records.items():
            info = tarfile.TarInfo(name)
            info.size = array.nbytes
            archive.addfile(info, io.BytesIO(array.tobytes()))
    return buffer.getvalue()


def fill_cache(cache: Path) -> None:
    """Small files in place of those that are fetched."""
    generator = np.random.default_rng(0)
    for name in MNIST_LIKE:
        (cache / name).mkdir(parents=True)
        for images_file, labels_file in zip(IMAGES, LABELS, strict=True):
            y = np.arange(300, dtype=np.uint8) % 10
            x = generator.integers(0, 256, (300, 28, 28), dtype=np.uint8) // (1 + y[:, None, None])
            (cache / name / images_file).write_bytes(idx(x))
            (cache / name / labels_file).write_bytes(idx(y))
    members = [f"{CIFAR_FOLDER}/data_batch_{i}.bin" for i in range(1, 6)]
    members.append(f"{CIFAR_FOLDER}/test_batch.bin")
    batches = {m: generator.integers(0, 256, (60, 3073), dtype=np.uint8) for m in members}
    for batch in batches.values():
        batch[:, 0] = np.arange(60) % 10
    (cache / CIFAR.name).parent.mkdir(parents=True)
    (cache / CIFAR.name).write_bytes(cifar(batches))
    (cache / SHAKESPEARE.name).parent.mkdir(parents=True)
    (cache / SHAKESPEARE.name).write_text("To be, or not to be: that is the question.\n" * 400)


def expect(folder: Path, patch: pytest.MonkeyPatch, server: str = "http://127.0.0.1:9") -> None:
    """The program takes the files of ``fill_cache`` for the published ones, and ``server`` for
    where they lie; its first folder has none of them."""

    def digest(name: str) -> str:
        return sha256((folder / name).read_bytes()).hexdigest()

    files = [file for pair in zip(IMAGES, LABELS, strict=True) for file in pair]
    sets = {
        name: (
            [f"{server}/none/", f"{server}/{name}/"],
            [digest(f"{name}/{file}") for file in files],
        )
        for name in MNIST_LIKE
    }
    patch.setattr(image_sets, "MNIST_LIKE", sets)
    for module, attribute, one in (
        (image_sets, "CIFAR", CIFAR),
        (text, "SHAKESPEARE", SHAKESPEARE),
    ):
        there = replace(one, urls=(f"{server}/{one.name}",), sha256=digest(one.name))
        patch.setattr(module, attribute, there)
