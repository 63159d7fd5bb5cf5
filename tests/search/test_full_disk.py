"""A disk that is full in the middle of a study: one sentence, exit code 1, and nothing lost."""

import re
from pathlib import Path
from subprocess import CompletedProcess

from ..cli.conftest import ROOT
from ..cli.test_sweep import check_exact, journal
from ..full_disk import run_limited

SWEEP = ["model=mlp", "data=digits", "search.candidates=[relu,gelu,tanh]", "trials=3", "name=s",
         "workers=1", "trainer.max_epochs=1", "trainer.accelerator=cpu"]  # fmt: skip


def sweep(logs: Path, limit: int) -> CompletedProcess:
    """A study whose files may not be larger than the limit, in all its processes."""
    return run_limited(limit, ROOT / "scripts" / "sweep.py", *SWEEP, f"logs={logs}")


def test_the_same_command_resumes(tmp_path: Path) -> None:
    # The journal of this study ends at about 11,000 bytes: this is inside the second trial.
    full = sweep(tmp_path, 8_000)
    assert full.returncode == 1, full.stderr
    # Matplotlib says so where it cannot keep its list of fonts.
    lines = [line for line in full.stderr.splitlines() if "font_manager" not in line]
    assert len(lines) == 1, lines
    assert re.fullmatch("Error: Cannot use .*: File too large.", lines[0])
    whole = sweep(tmp_path, 10**9)
    assert whole.returncode == 0, whole.stderr
    check_exact(journal(tmp_path), 3)
