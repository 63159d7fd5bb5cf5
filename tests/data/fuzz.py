"""What the generators of files share: so many of them, read once, and what reading may leave."""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import HealthCheck, settings

from activation_search.data.splits import Source
from activation_search.errors import UserError


def generated(files: int) -> Any:
    """So many, the same in every run, however slow the machine."""
    return settings(
        max_examples=files,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@contextmanager
def folder() -> Iterator[Path]:
    """A new folder, in which reading must leave nothing."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def contents(path: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def read(load: Any, config: Any, place: Path, outcomes: Counter[str]) -> Source | None:
    """What is read; nothing where one sentence refuses it."""
    before = contents(place)
    try:
        source: Source = load(config)
        outcomes["read"] += 1
        return source
    except UserError as error:
        sentence = str(error)
        assert sentence.endswith((".", "?", ")")) or " failed: " in sentence, sentence
        assert "\n" not in sentence
        assert "Traceback" not in sentence
        outcomes["refused"] += 1
        return None
    finally:
        assert contents(place) == before


def check(outcomes: Counter[str], each: int) -> None:
    """Files were read as well as refused: a generator of one kind alone would test little."""
    assert outcomes["read"] >= each
    assert outcomes["refused"] >= each


def parts(source: Source) -> tuple[np.ndarray, np.ndarray]:
    assert source.y_train is not None
    assert source.y_test is not None
    x = np.concatenate([source.x_train, source.x_test])
    return x, np.concatenate([source.y_train, source.y_test])
