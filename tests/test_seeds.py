"""Independent random streams from one seed."""

from activation_search.seeds import derive


def test_literal_value() -> None:
    """Splits and weights must not change between versions: SHA-256 of "0/split", 63 bits."""
    assert derive(0, "split") == 3769940940748469125


def test_streams_differ() -> None:
    seeds = {derive(s, name, e) for s in range(3) for name in ("order", "noise") for e in range(3)}
    assert len(seeds) == 18
    assert all(0 <= seed < 2**63 for seed in seeds)
