"""Comparisons as files."""

from pathlib import Path

import pytest

from activation_search.errors import UserError
from activation_search.evidence.results import Block, read_evidence


def test_a_file_that_is_damaged_or_leads_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "comparison.json"
    path.write_text('{"blocks": [], "trials": 0}')
    with pytest.raises(UserError, match="is no comparison of this program, or is damaged"):
        read_evidence(tmp_path)
    assert Block("../../x", "a/b", "r2", "max", "relu", [], {}).file_name == ".._.._x-a_b"
