"""``compare.py``, ``report.py`` and ``sweep.py confirm=…`` as processes and as pages."""

import json
import os
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from activation_search.evidence.results import read_evidence

from .conftest import ROOT, Command

SMALL = ["model=mlp", "data=digits", "trainer.accelerator=cpu", "name=s"]


class Page(HTMLParser):
    """Checks that tags close in order, and collects what a browser would fetch."""

    VOID = ("meta", "img", "br", "hr", "link", "input")

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)
        self.fetched += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read_page(path: Path) -> Page:
    page = Page()
    page.feed(path.read_text())
    assert page.open == []
    assert all(source.startswith("data:image/png;base64,") for source in page.fetched)
    return page


def finished_runs(folder: Path) -> list[Path]:
    found = folder.glob("killed/**/result.json")
    return [path for path in found if '"status": "finished"' in path.read_text()]


def test_a_killed_comparison_goes_on_to_the_same_table(tmp_path: Path) -> None:
    arguments = [*SMALL, "candidates=[relu,tanh,prelu]", "seeds=4", "trainer.max_epochs=6"]

    def command(logs: str) -> list[str]:
        script = str(ROOT / "scripts" / "compare.py")
        return [sys.executable, script, *arguments, f"logs={tmp_path / logs}"]

    process = subprocess.Popen(
        command("killed"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while len(finished_runs(tmp_path)) < 4:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)  # the parent alone: its workers must end by themselves
    process.wait()
    kept = {path: path.stat().st_mtime_ns for path in finished_runs(tmp_path)}
    again = subprocess.run(command("killed"), capture_output=True, text=True, check=True)
    assert "mlp on digits: test accuracy, 4 seeds" in again.stdout
    # What was finished is not trained again.
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert len(finished_runs(tmp_path)) == 12
    subprocess.run(command("whole"), capture_output=True, check=True)

    def numbers(logs: str) -> dict:
        [block] = read_evidence(tmp_path / logs / "compare" / "s").blocks
        return {label: arm.values for label, arm in block.arms.items()} | block.comparisons

    assert numbers("killed") == numbers("whole")


def test_a_study_is_confirmed_on_fresh_seeds_and_reported(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [
        *SMALL,
        "model.width=16",
        "trainer.max_epochs=2",
        "search.candidates=[relu,elu,tanh]",
        "trials=4",
        "search.controls=2",
        "confirm=2",
        "confirm_seeds=3",
        f"logs={tmp_path}",
    ]
    assert command("scripts/sweep.py", *arguments) == 0
    out = capsys.readouterr().out
    assert "selection" in out
    assert "Against baseline, on 3 seeds of mlp on digits" in out
    folder = tmp_path / "sweeps" / "s"
    [block] = read_evidence(folder).blocks
    used = {
        seed for row in json.loads((folder / "leaderboard.json").read_text())["rows"]
        for seed in row["seeds"]
    }  # fmt: skip
    assert used.isdisjoint(block.seeds)
    assert len(block.arms) == 3
    assert {arm.selection is None for arm in block.arms.values()} == {False}
    page = read_page(folder / "report.html")
    for words in ("Leaderboard", "selection (validation)", "Size of luck", "Repeat it",
                  "python scripts/sweep.py", "torch 2."):  # fmt: skip
        assert words in page.text
    assert len(page.fetched) >= 7
    runs = set(folder.glob("**/result.json"))
    assert command("scripts/sweep.py", *arguments) == 0
    assert "is complete: nothing was run" in capsys.readouterr().out
    assert set(folder.glob("**/result.json")) == runs  # nothing was confirmed again either
    # The study goes on without confirmation: the earlier one is of other ranks.
    assert command("scripts/sweep.py", *arguments, "trials=5", "confirm=0") == 0
    page = read_page(folder / "report.html")
    assert "Nothing is proven until" in page.text
    assert "Against baseline" not in page.text


def test_a_baseline_that_was_no_candidate_gets_the_same_settings(
    command: Command, tmp_path: Path
) -> None:
    arguments = [
        *SMALL,
        "model.width=16",
        "trainer.max_epochs=2",
        "search.candidates=[elu,tanh]",
        "search.hparams={optim.lr: [0.0001, 0.05]}",
        "trials=4",
        "confirm=1",
        "confirm_seeds=2",
        f"logs={tmp_path}",
    ]
    assert command("scripts/sweep.py", *arguments) == 0
    [block] = read_evidence(tmp_path / "sweeps" / "s").blocks
    assert {arm.lr for arm in block.arms.values()} == {0.05}


def test_report_alone(command: Command, tmp_path: Path, capsys) -> None:
    small = [*SMALL, "model.width=16", "trainer.max_epochs=1", "seeds=2", f"logs={tmp_path}"]
    assert command("scripts/compare.py", *small, "candidates=[relu,prelu]") == 0
    folder = tmp_path / "compare" / "s"
    (folder / "report.html").unlink()
    capsys.readouterr()
    assert command("scripts/report.py", str(folder)) == 0
    assert capsys.readouterr().out.split() == [
        str(folder / "report.html"),
        str(folder / "report.md"),
    ]
    page = read_page(folder / "report.html")
    assert "Against relu, on 2 seeds of mlp on digits" in page.text
    text = (folder / "report.md").read_text()
    for picture in folder.glob("figures/*.png"):
        assert f"figures/{picture.name}" in text
    assert len(list(folder.glob("figures/*.png"))) == 4
    assert command("scripts/report.py", str(tmp_path)) == 2
    assert "holds neither comparison.json nor leaderboard.json" in capsys.readouterr().err
