"""Image sets as they are published: fetched, read, and kept as bytes."""

import gzip
import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from activation_search.data import formats
from activation_search.data.files import cache_folder
from activation_search.data.formats import read_cifar, read_idx
from activation_search.data.sources import image_sets
from activation_search.errors import UserError

from ...files import cifar, expect, fill_cache, idx


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Small files in the true formats on a server of this machine, in place of the net."""
    folder = tmp_path / "published"
    fill_cache(folder)
    handler = partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever).start()
        expect(folder, monkeypatch, f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield folder
        server.shutdown()


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist", "kmnist"])
def test_mnist_and_its_kin(published: Path, name: str) -> None:
    source = image_sets.mnist_like(name)
    assert (source.x_train.shape, source.x_train.dtype) == ((300, 1, 28, 28), np.uint8)
    assert source.y_test is not None
    assert source.y_test[:12].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1]


def test_cifar10(published: Path) -> None:
    source = image_sets.cifar10()
    assert (source.x_train.shape, source.x_test.shape) == ((300, 3, 32, 32), (60, 3, 32, 32))
    assert source.x_train.dtype == np.uint8


def test_idx(tmp_path: Path) -> None:
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "a.gz"
    path.write_bytes(idx(array))
    np.testing.assert_array_equal(read_idx(path), array)
    good = path.read_bytes()
    for content, sentence in [
        (good[: len(good) // 2], "is damaged .*; delete it"),
        (b"plain", "is damaged"),
        (gzip.compress(b"\0\0\x08\x03" + bytes(12) + b"more"), "is no IDX file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x02" + b"more"), "is no IDX file"),
        (gzip.compress(b"\0\0\x08\x01\0\0\0\x05" + b"more"), "is no IDX file"),
        (gzip.compress(b"\0\0\x08\x01\xff\xff\xff\xff" + b"more"), "is no IDX file"),
        (gzip.compress(b"\0\0\x08\x02\x7f\xff\xff\xff\x7f\xff\xff\xff"), "is no IDX file"),
    ]:
        path.write_bytes(content)
        with pytest.raises(UserError, match=sentence):
            read_idx(path)


def test_cifar_records(tmp_path: Path) -> None:
    """A record is the label, then the red, green and blue planes, each row by row."""
    record = np.concatenate([[7], np.repeat([10, 20, 30], 1024)]).astype(np.uint8)
    record[1 + 1024 + 32 * 2 + 5] = 99  # green, row 2, column 5
    path = tmp_path / "c.tar.gz"
    path.write_bytes(cifar({"one": record[None], "two": record[None], "short": record[None, :9]}))
    images, labels = read_cifar(path, ["one", "two"])
    assert (images.shape, labels.tolist()) == ((2, 3, 32, 32), [7, 7])
    assert images[1, :, 0, 0].tolist() == [10, 20, 30]
    assert images[1, 1, 2, 5] == 99
    with pytest.raises(UserError, match=r"short is no CIFAR-10 batch"):
        read_cifar(path, ["short"])
    with pytest.raises(UserError, match=r"is damaged .*three"):
        read_cifar(path, ["three"])
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(UserError, match=r"is damaged"):
        read_cifar(path, ["one"])


def test_a_file_put_there_by_hand_is_checked(published: Path) -> None:
    image_sets.mnist_like("mnist")
    path = cache_folder() / "mnist" / image_sets.IMAGES[0]
    path.write_bytes(idx(np.zeros((5, 28, 28), np.uint8)))
    with pytest.raises(UserError, match=r"mnist.train-images.* is another file than expected"):
        image_sets.mnist_like("mnist")


def test_no_more_is_unpacked_than_a_set_can_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes that unpack to ten megabytes, in a reader that allows one."""
    monkeypatch.setattr(formats, "MAX_BYTES", 1_000_000)
    zeros = np.zeros((10_000_000,), np.uint8)
    (tmp_path / "bomb.gz").write_bytes(idx(zeros))
    (tmp_path / "bomb.tar.gz").write_bytes(cifar({"other": zeros, "one": zeros[:3073]}))
    with pytest.raises(UserError, match=r"bomb.gz is no IDX file"):
        read_idx(tmp_path / "bomb.gz")
    with pytest.raises(UserError, match=r"bomb.tar.gz: other is larger than all of CIFAR-10"):
        read_cifar(tmp_path / "bomb.tar.gz", ["one"])
