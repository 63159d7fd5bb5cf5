"""Failures go through files and leave nothing."""

from pathlib import Path

from activation_search.config.failures import Failure, take_failures, write_failure


def test_failures_are_read_once_in_their_order(tmp_path: Path) -> None:
    failures = [Failure(n, [f"seed={n}"], 2, "Größe fehlt.") for n in (10, 9)]
    for failure in failures:
        write_failure(failure, tmp_path)
    assert take_failures(tmp_path) == failures[::-1]
    assert list(tmp_path.iterdir()) == []
    assert take_failures(tmp_path) == []
