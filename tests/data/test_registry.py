"""The data sets: published hashes, cache, and nothing leaking."""

import os
import random
import sys
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from activation_search.config.data import CSVConfig, DataConfig, FunctionConfig
from activation_search.data import registry as sources_module
from activation_search.data.registry import load_source
from activation_search.data.sources import digits, mnist1d
from activation_search.errors import UserError

from ..files import write_csv


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path / "activation_search" / "mnist1d.npz"


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, np.ndarray]]:
    """MNIST-1D as the tests have it already, in the place of generating it, which takes seconds;
    noted each time."""
    source, times = mnist1d.load(), []

    def generate() -> dict[str, np.ndarray]:
        times.append({
            "x": source.x_train[..., 0].copy(), "y": source.y_train,
            "x_test": source.x_test[..., 0], "y_test": source.y_test,
        })  # fmt: skip
        return times[-1]

    monkeypatch.setattr(mnist1d, "_generate", generate)
    return times


def test_mnist1d_is_the_published_one_and_is_cached(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    expected = random.random(), np.random.rand()  # noqa: NPY002
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    source = mnist1d.load()
    assert (random.random(), np.random.rand()) == expected  # noqa: NPY002
    assert source.x_train.shape == (4000, 40, 1)
    assert source.x_test.shape == (1000, 40, 1)
    assert source.x_train.dtype == np.float32
    digest = sha256(np.ascontiguousarray(source.x_train).tobytes()).hexdigest()
    assert digest.startswith("d53506bddd12d3b7")
    assert np.bincount(source.y_train).sum() == 4000
    monkeypatch.setattr(mnist1d, "_generate", lambda: pytest.fail("generated again"))
    np.testing.assert_array_equal(mnist1d.load().x_test, source.x_test)


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 not an archive"])
def test_a_damaged_cache_is_made_again(
    generated: list[dict[str, np.ndarray]], cache: Path, damage: bytes
) -> None:
    cache.parent.mkdir(parents=True)
    cache.write_bytes(damage)
    for _ in range(2):
        assert len(mnist1d.load().x_train) == 4000
    assert len(generated) == 1
    assert cache.stat().st_size > 600_000


def test_a_cache_that_cannot_be_written_is_no_obstacle(
    generated: list[dict[str, np.ndarray]], cache: Path
) -> None:
    cache.parent.write_text("a file where the folder should be")
    for _ in range(2):
        assert len(mnist1d.load().x_train) == 4000
    assert len(generated) == 2


def test_other_numbers_are_refused(
    generated: list[dict[str, np.ndarray]], cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = mnist1d._generate()
    arrays["x"][17, 3] += 1e-6
    monkeypatch.setattr(mnist1d, "_generate", lambda: arrays)
    with pytest.raises(UserError, match=r"other data than published \(x\)"):
        mnist1d.load()


def test_digits() -> None:
    source = digits.load()
    assert source.x_train.shape == (1437, 1, 8, 8)
    assert source.x_test.shape == (360, 1, 8, 8)
    assert (source.x_train.min(), source.x_train.max()) == (0, 16)
    assert np.bincount(np.concatenate([source.y_train, source.y_test])).tolist() == [
        178, 182, 177, 183, 181, 182, 181, 179, 174, 180,
    ]  # fmt: skip
    np.testing.assert_array_equal(digits.load().x_test, source.x_test)


def test_a_file_is_read_once_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    monkeypatch.setattr(
        sources_module, "_load", lambda name, _load=sources_module._load, **keys: (
            reads.append(name), _load(name, **keys))[1],
    )  # fmt: skip
    path = write_csv(tmp_path / "houses.csv")
    os.utime(path, (1e9, 1e9))
    config = CSVConfig("csv", 64, 0.2, path=str(path), target="price")
    first = load_source(config)
    assert load_source(replace(config, batch_size=8, validation=0.5)) is first
    assert len(reads) == 1
    path.write_text(path.read_text().replace("rooms,age", "rooms,old"))  # the size stays
    os.utime(path, (1e9, 1e9))
    assert load_source(config).origin["columns"] == "rooms, old"
    # Twice within a tick of the clock.
    for name in ("one", "two"):
        path.write_text(path.read_text().replace("old", name).replace("one", name))
        assert load_source(config).origin["columns"] == f"rooms, {name}"
    path.unlink()
    with pytest.raises(UserError, match=r"houses.csv: nothing is there"):
        load_source(config)


def test_sets_of_the_program_are_read_once() -> None:
    config = DataConfig("digits", 64, 0.2)
    assert load_source(config) is load_source(config)


def test_a_function_is_called_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_counted_data.py").write_text(
        "import numpy as np\n\ncalls = []\n\n\ndef load():\n    calls.append(1)\n"
        "    x = np.linspace(0, 1, 40).reshape(20, 2)\n"
        "    return {'x_train': x, 'y_train': x[:, 0], 'x_test': x, 'y_test': x[:, 0]}\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    config = FunctionConfig("function", 64, 0.2, function="my_counted_data.load")
    assert load_source(config) is load_source(config)
    assert sys.modules["my_counted_data"].calls == [1]
