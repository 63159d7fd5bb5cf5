"""Runs of a multirun are ranked as trials are; none of them is trained here."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest

from activation_search.config.run import TrainConfig
from activation_search.errors import UserError
from activation_search.reports.report import collect, write_report
from activation_search.search.multirun import rank_runs
from activation_search.training.result import STOPPED

from ..pretend import pretend

Small = Callable[..., TrainConfig]


@pytest.fixture
def run(small: Small, tmp_path: Path) -> Callable[..., None]:
    """``run(0.9, "seed=1")``: a run of the multirun ``m``, which reached that."""

    def write(value: float, *overrides: str, status: str = "") -> None:
        result = pretend(small("group=multirun/m", "test=false", *overrides), [value])
        if status:
            result.status = status
            result.write()

    return write


def test_ranked_by_the_mean_over_seeds(run: Callable[..., None], tmp_path: Path) -> None:
    run(0.7, "activation=relu", "seed=0")
    run(0.9, "activation=relu", "seed=1")
    run(0.85, "activation=gelu", "seed=0")
    run(0.95, "activation=gelu", "seed=1")
    run(math.nan, "activation=tanh")
    run(0.99, "activation=silu", status=STOPPED)
    [(data, sweep)] = rank_runs(tmp_path / "multirun" / "m").items()
    assert (data, sweep.metric, sweep.mode) == ("digits", "accuracy", "max")
    assert [row.label for row in sweep.rows] == ["gelu", "relu", "tanh"]
    assert [row.mean for row in sweep.rows[:2]] == pytest.approx([0.9, 0.8])
    assert [sorted(row.seeds) for row in sweep.rows[:2]] == [[0, 1], [0, 1]]
    assert sweep.rows[2].status == "diverged"
    assert sweep.rows[0].spread == pytest.approx(0.1 / math.sqrt(2))


def test_low_is_good_for_errors_and_each_data_set_has_its_own_ranking(
    run: Callable[..., None], tmp_path: Path
) -> None:
    for lr, value in (("0.1", 0.3), ("0.01", 0.2)):
        run(value, "data.reconstruct=true", f"optim.lr={lr}")
    run(0.5, "data=xor")
    folder = tmp_path / "multirun" / "m"
    found = rank_runs(folder)
    assert list(found) == ["digits_reconstruction", "xor"]
    rows = found["digits_reconstruction"].rows
    assert [row.point for row in rows] == [{"optim.lr": 0.01}, {"optim.lr": 0.1}]
    [only] = found["xor"].rows
    assert only.label == "default"
    with pytest.raises(UserError, match="several data sets"):
        collect(folder)


def test_report(run: Callable[..., None], tmp_path: Path) -> None:
    for seed in (0, 1):
        run(0.8 + seed / 10, "activation=gelu", f"seed={seed}")
        run(0.7, "activation=relu", f"seed={seed}")
    folder = tmp_path / "multirun" / "m"
    content = collect(folder)
    assert content.title == "Multirun m"
    assert "4 runs of 2 configurations" in content.question
    assert [row[:5] for row in content.tables[0].rows] == [
        ["1", "gelu", "0.8500", "0.0707", "2"],
        ["2", "relu", "0.7000", "0.0000", "2"],
    ]
    assert content.setting["model.width"] == "32"
    assert {"activation", "seed"}.isdisjoint(content.setting)
    assert content.commands[0] == "python train.py -m …"  # Hydra kept none
    assert " -m model=mlp data=digits activation=gelu " in content.commands[1]
    (folder / "multirun.yaml").write_text(
        "hydra:\n  overrides:\n    hydra: [hydra/launcher=joblib, hydra.mode=MULTIRUN]\n"
        "    task: ['activation=gelu,relu', 'seed=0,1']\n"
    )
    write_report(folder)
    assert (
        "python train.py -m hydra/launcher=joblib activation=gelu,relu seed=0,1"
        in (folder / "report.md").read_text()
    )


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run that ended"):
        collect(tmp_path / "multirun" / "m")


def test_results_from_elsewhere_are_left_out(
    run: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for seed in range(3):
        run(0.8, f"seed={seed}")
    folder = tmp_path / "multirun" / "m"
    own, strange, unknown = sorted(folder.glob("*/*/result.json"))
    plain = json.loads(own.read_text())
    strange.write_text(json.dumps(plain | {"metric": "bleu"}))
    data = plain["config"]["data"] | {"name": "nosuch"}
    unknown.write_text(json.dumps(plain | {"config": plain["config"] | {"data": data}}))
    [(_, sweep)] = rank_runs(folder).items()
    assert [row.seeds for row in sweep.rows] == [[0]]
    rank_runs(folder)
    err = capsys.readouterr().err
    assert err.count("Note: skipped ") == 2
    assert f"Note: skipped {strange.parent}: its metric 'bleu' is unknown" in err
    assert f"Note: skipped {unknown.parent}: Unknown data 'nosuch'" in err
