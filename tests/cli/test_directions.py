"""Studies and comparisons of tasks whose best value is the lowest, or a share of variance."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.evidence.results import read_evidence

from ..pretend import Score, name_of
from .conftest import Command

Pretended = Callable[[Score], list[TrainConfig]]
TEXT = ["model=lstm", "data=text", "data.characters=30_000", "data.context=16", "name=s"]

DIGITS = ["model=mlp", "data=digits", "name=s"]


def test_a_study_is_judged_by_the_metric_that_is_asked_for(
    command: Command, tmp_path: Path, here: None, pretended: Pretended
) -> None:
    loss = {"relu": 0.5, "gelu": 0.25, "elu": 0.75}
    pretended(lambda config: [loss[name_of(config)]])
    study = [*DIGITS, f"logs={tmp_path}", "search.candidates=[relu,gelu,elu]", "trials=3"]
    assert command("scripts/sweep.py", *study, "task.metric=loss") == 0
    with (tmp_path / "sweeps" / "s" / "trials.csv").open() as file:
        assert [float(line["mean"]) for line in csv.DictReader(file)] == [0.25, 0.5, 0.75]
    # One metric is another question.
    assert command("scripts/sweep.py", *study, "task.metric=accuracy") == 2


def test_a_study_of_text_ranks_the_fewest_bits_first(
    command: Command,
    tmp_path: Path,
    here: None,
    pretended: Pretended,
    capsys: pytest.CaptureFixture[str],
) -> None:
    bits = {"tanh": 2.5, "softsign": 2.25, "elu": math.nan, "default": 3.0}
    pretended(lambda config: [bits[name_of(config)] + config.seed / 4])
    arguments = [*TEXT, f"logs={tmp_path}", "search.candidates=[tanh,softsign,elu]"]
    arguments += ["search=global", "trials=3", "search.controls=2"]
    assert command("scripts/sweep.py", *arguments) == 0
    out = capsys.readouterr().out
    assert "validation bits_per_character" in out
    # The copies have seeds 1 and 2: 3.25 and 3.5, and their median lies in the middle.
    assert "the best of 2 copies of the baseline is 0.1250 better" in out
    with (tmp_path / "sweeps" / "s" / "trials.csv").open() as file:
        found = [(line["status"], line["mean"]) for line in csv.DictReader(file)]
    assert [(status, float(mean)) for status, mean in found if mean] == [
        ("finished", 2.25), ("finished", 2.5), ("finished", 3.375),
    ]  # fmt: skip
    assert found[3:] == [("diverged", "")]


@pytest.mark.parametrize(
    ("overrides", "metric", "mode", "values"),
    [
        (["model=mlp", "data=friedman1", "name=s"], "r2", "max", {"relu": 0.8, "elu": 0.9}),
        (TEXT, "bits_per_character", "min", {"relu": 2.5, "elu": 2.25}),
        ([*DIGITS, "task.metric=macro_f1"], "macro_f1", "max", {"relu": 0.8, "elu": 0.9}),
        ([*DIGITS, "task.metric=loss"], "loss", "min", {"relu": 0.5, "elu": 0.25}),
    ],
)
def test_a_comparison_calls_the_better_one_better(
    overrides: list[str],
    metric: str,
    mode: str,
    values: dict[str, float],
    command: Command,
    tmp_path: Path,
    pretended: Pretended,
) -> None:
    # Seeds differ, and the difference between the two a little.
    pretended(lambda c: [values[name_of(c)] + c.seed / 64 + (name_of(c) == "elu") * c.seed / 1024])
    arguments = [*overrides, f"logs={tmp_path}", "seeds=6", "candidates=[relu,elu]"]
    assert command("scripts/compare.py", *arguments) == 0
    [block] = read_evidence(tmp_path / "compare" / "s").blocks
    assert (block.metric, block.mode) == (metric, mode)
    [better] = block.comparisons.values()
    assert better.verdict == "better"
    assert better.win_rate == 1
    assert better.difference == pytest.approx(values["elu"] - values["relu"] + 2.5 / 1024)
