"""Studies and comparisons of tasks whose best value is the lowest, or a share of variance."""

import csv
from pathlib import Path

import pytest

from activation_search.evidence.results import read_evidence
from activation_search.training.config import TrainConfig

from .conftest import Command

QUICK = [
    "trainer.accelerator=cpu",
    "trainer.threads=1",
    "trainer.max_epochs=1",
    "workers=1",
    "name=s",
]
TEXT = ["model=lstm", "data=text", "data.characters=30_000", "data.context=16", "model.width=8"]


def test_a_study_of_text_ranks_the_fewest_bits_first(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = [*TEXT, *QUICK, f"logs={tmp_path}", "search.candidates=[tanh,softsign]"]
    arguments += ["search=global", "trials=4", "search.controls=2"]
    assert command("scripts/sweep.py", *arguments) == 0
    out = capsys.readouterr().out
    assert "validation bits_per_character" in out
    assert "nan better" not in out
    with (tmp_path / "sweeps" / "s" / "trials.csv").open() as file:
        means = [float(line["mean"]) for line in csv.DictReader(file) if line["mean"]]
    assert len(means) >= 2
    assert means == sorted(means)


@pytest.mark.parametrize(
    ("overrides", "metric", "mode", "candidates"),
    [
        (
            ["model=mlp", "data=friedman1", "trainer.max_epochs=12"],
            "r2",
            "max",
            ["identity", "relu"],
        ),
        # A hardshrink so wide hands nothing on: only the frequency of characters is learned.
        (
            [*TEXT, "optim.lr=1e-2"],
            "bits_per_character",
            "min",
            ["{name: hardshrink, lambd: 1000}", "tanh"],
        ),
    ],
)
def test_a_comparison_calls_the_better_one_better(
    overrides: list[str],
    metric: str,
    mode: str,
    candidates: list[str],
    command: Command,
    tmp_path: Path,
    trained: list[TrainConfig],
) -> None:
    arguments = [*QUICK, "trainer.max_epochs=2", *overrides, f"logs={tmp_path}", "seeds=6"]
    arguments += [f"candidates=[{', '.join(candidates)}]"]
    assert command("scripts/compare.py", *arguments) == 0
    [block] = read_evidence(tmp_path / "compare" / "s").blocks
    assert (block.metric, block.mode) == (metric, mode)
    [better] = block.comparisons.values()
    assert better.verdict == "better"
    assert better.win_rate == 1
    assert (better.difference > 0) == (mode == "max")
