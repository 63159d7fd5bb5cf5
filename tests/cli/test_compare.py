"""``compare.py``, ``report.py`` and ``sweep.py confirm=…`` as processes and as pages."""

import json
import shutil
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import psutil
import pytest

from activation_search.config.run import TrainConfig
from activation_search.evidence.results import read_evidence

from ..pretend import name_of
from ..program import Program
from ..waiting import SAFETY_SECONDS, wait_until
from . import held
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


def finished_runs(logs: Path) -> list[Path]:
    found = logs.glob("**/result.json")
    return [path for path in found if '"status": "finished"' in path.read_text()]


def test_a_killed_comparison_goes_on_to_the_same_table(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    shutil.copy(Path(held.__file__), tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    candidates = ", ".join(f"{{name: custom, target: held.Leaky, slope: {s}}}" for s in (0.1, 0.2))
    arguments = [*SMALL, f"candidates=[{candidates}]", "seeds=2", "model.depth=1", "workers=2",
                 "trainer.max_epochs=2", "trainer.threads=1"]  # fmt: skip
    script = str(ROOT / "scripts" / "compare.py")
    process = Program([script, *arguments, "logs=killed"])
    held.ONCE.touch()
    [kept] = wait_until(lambda: finished_runs(Path("killed")), process)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()  # the parent alone: its workers, in the middle of their runs, end by themselves
    process.wait()
    psutil.wait_procs(children, timeout=SAFETY_SECONDS)
    assert not [child for child in children if child.is_running()]
    assert finished_runs(Path("killed")) == [kept]
    written = kept.stat().st_mtime_ns
    held.ALL.touch()
    assert command("scripts/compare.py", *arguments, "logs=killed") == 0
    assert "mlp on digits: test accuracy, 2 seeds" in capsys.readouterr().out
    assert kept.stat().st_mtime_ns == written  # what was finished is not trained again
    assert len(finished_runs(Path("killed"))) == 4
    request.getfixturevalue("trained")
    assert command("scripts/compare.py", *arguments, "logs=whole") == 0

    def numbers(logs: str) -> dict:
        [block] = read_evidence(tmp_path / logs / "compare" / "s").blocks
        return {label: arm.values for label, arm in block.arms.items()} | block.comparisons

    assert numbers("killed") == numbers("whole")


def test_a_study_is_confirmed_on_fresh_seeds_and_reported(
    command: Command,
    tmp_path: Path,
    here: None,
    trained: list[TrainConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
    arguments = [
        *SMALL,
        "model.width=16",
        "trainer.max_epochs=1",
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
    command: Command, tmp_path: Path, here: None, pretended: Callable[..., list[TrainConfig]]
) -> None:
    runs = pretended(lambda config: [0.9 if config.optim.lr == 0.05 else 0.5])
    arguments = [
        *SMALL,
        "search.candidates=[elu,tanh]",
        "search.hparams={optim.lr: [0.0001, 0.05]}",
        "trials=4",
        "sampler=grid",
        "confirm=1",
        "confirm_seeds=2",
        f"logs={tmp_path}",
    ]
    assert command("scripts/sweep.py", *arguments) == 0
    [block] = read_evidence(tmp_path / "sweeps" / "s").blocks
    assert {arm.lr for arm in block.arms.values()} == {0.05}
    # The baseline was tried at both, and on fresh seeds at the better one.
    assert [c.optim.lr for c in runs if name_of(c) == "relu"] == [0.05, 0.0001, 0.05, 0.05]


def test_report_alone(
    command: Command,
    tmp_path: Path,
    trained: list[TrainConfig],
    capsys: pytest.CaptureFixture[str],
) -> None:
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
    assert len(list(folder.glob("figures/*.png"))) == 5
    assert command("scripts/report.py", str(tmp_path)) == 2
    assert "holds neither comparison.json nor leaderboard.json" in capsys.readouterr().err
