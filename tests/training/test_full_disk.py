"""A disk that is full in the middle of a run: one sentence, exit code 1, and nothing lost."""

from pathlib import Path

import pytest

from activation_search.training.result import FAILED, RUNNING, read_result

from ..command import ROOT
from ..full_disk import run_limited

# Bytes that a file may have. The event file of this run ends at about 300,000, a checkpoint at
# 350,000, the result at 12,000; below 1,500 the directory's first file cannot be written.
LIMITS = (100, 3_000, 60_000, 200_000)
RUN = ["model=mlp", "data=digits", "model.width=128", "model.depth=3", "trainer.max_epochs=4",
       "trainer.progress=false", "tensorboard.every_n_steps=1",
       "tensorboard.histograms_every_n_epochs=1", "trainer.threads=1"]  # fmt: skip


@pytest.mark.parametrize("limit", LIMITS)
def test_a_full_disk(tmp_path: Path, limit: int):
    done = run_limited(limit, ROOT / "train.py", *RUN, f"logs={tmp_path}")
    assert done.returncode == 1
    # Matplotlib says so where it cannot keep its list of fonts.
    lines = [line for line in done.stderr.splitlines() if "font_manager" not in line]
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert "File too large" in lines[0]
    assert not list(tmp_path.rglob(".*.new*"))
    for path in tmp_path.rglob("result.json"):
        result = read_result(path.parent)
        assert result.status in (FAILED, RUNNING)  # the latter where it could not be written again
        if result.status == FAILED:
            assert "File too large" in str(result.reason)
