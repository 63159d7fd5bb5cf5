"""Rows of the leaderboard from hand-made trials, and their pictures."""

import itertools
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState, create_trial
from rich.console import Console

from activation_search.reports import study_figures
from activation_search.reports.study_figures import draw_by_activation, draw_history, write_figures
from activation_search.search.leaderboard import (
    LeaderboardRow,
    leaderboard_table,
    rank,
    size_of_luck,
    to_frame,
)
from activation_search.search.study import CONTROL, ERROR, KIND, NUMBER
from activation_search.search.sweep import Sweep

NAMES = ["relu", "gelu", "tanh"]


def study_of(*trials: dict[str, Any]) -> optuna.Study:
    """Each trial: activation, status, values; and attributes."""
    study = optuna.create_study(direction="maximize")
    for number, given in enumerate(trials):
        choices = optuna.distributions.CategoricalDistribution(NAMES)
        failed = given["status"] == "failed"
        result = {
            "status": given["status"],
            "reason": given.get("reason"),
            "values": given.get("values", []),
            "seeds": list(range(len(given.get("values", [])))),
            "directory": ["of another machine"],
            "assignment": {"hidden1": given["activation"]},
            "parameters": given.get("parameters", 7),
            "seconds": 1.0,
            "ms_per_step": given.get("ms", 2.0),
            "alarms": given.get("alarms", []),
            "config": {},
        }
        attributes = {ERROR: "a trace", "reason": given["reason"]} if failed else result
        control = given.get("control", False)
        study.add_trial(
            create_trial(
                state=TrialState.FAIL if failed else TrialState.COMPLETE,
                value=None if failed else 0.0,
                params={} if control else {"activation": given["activation"]},
                distributions={} if control else {"activation": choices},
                user_attrs={
                    **attributes,
                    KIND: CONTROL if control else "planned",
                    NUMBER: number,
                },
            )
        )
    return study


def row(name: str, status: str, *values: float, **more: Any) -> dict[str, Any]:
    return {"activation": name, "status": status, "values": list(values), **more}


def labels(rows: list[LeaderboardRow]) -> list[tuple[str, str]]:
    return [(r.label, r.status) for r in rows]


def test_a_point_that_diverged_once_ranks_below_all_that_did_not() -> None:
    rows = rank(
        study_of(
            row("gelu", "finished", 0.9),
            row("gelu", "diverged", float("nan"), reason="loss is nan"),
            row("relu", "finished", 0.5),
            row("tanh", "failed", reason="RuntimeError: no"),
        )
    )
    assert labels(rows) == [("relu", "finished"), ("gelu", "diverged"), ("tanh", "failed")]
    assert rows[1].values == [0.9]
    assert rows[1].reason == "loss is nan"
    assert rows[2].reason == "RuntimeError: no"


def test_a_pruned_value_is_not_averaged_with_a_final_one() -> None:
    [one] = rank(study_of(row("gelu", "pruned", 0.3), row("gelu", "finished", 0.9)))
    assert (one.status, one.mean, one.means) == ("finished", 0.9, {1: 0.9})
    [one] = rank(study_of(row("gelu", "finished", 0.9), row("gelu", "pruned", 0.3)))
    assert (one.status, one.mean) == ("finished", 0.9)
    [one] = rank(study_of(row("gelu", "pruned", 0.3)))
    assert (one.status, one.mean) == ("pruned", 0.3)


def test_a_value_of_an_early_epoch_is_dropped_in_any_order() -> None:
    trials = [
        row("gelu", "pruned", 0.3),
        row("gelu", "diverged", float("nan"), reason="loss is nan"),
        row("gelu", "finished", 0.9),
    ]
    for order in itertools.permutations(trials):
        [one] = rank(study_of(*order))
        assert (one.status, one.values) == ("diverged", [0.9]), order


def test_luck_is_between_copies_not_between_their_seeds() -> None:
    copies = [
        row("relu", "finished", 0.8, 1.0, control=True),
        row("relu", "finished", 0.9, 0.9, control=True),
        row("relu", "finished", 0.7, 0.8, control=True),
    ]
    assert size_of_luck(rank(study_of(*copies)), "max") == pytest.approx(0.0)
    assert size_of_luck(rank(study_of(*copies)), "min") == pytest.approx(0.15)
    assert size_of_luck(rank(study_of(copies[0])), "max") is None


def test_messages_with_brackets_are_printed_as_they_are() -> None:
    rows = rank(study_of(row("tanh", "failed", reason="OSError: [/data/x] is gone")))
    console = Console(width=200)
    with console.capture() as capture:
        console.print(leaderboard_table(rows, "accuracy"))
    assert "OSError: [/data/x] is gone" in capture.get()


def test_finished_rows_are_marked_where_none_is_better_and_cheaper() -> None:
    rows = rank(
        study_of(
            row("relu", "finished", 0.8, parameters=100, ms=2.0),
            row("relu", "finished", 0.9, parameters=100, ms=4.0),  # 0.85 and 3 ms on average
            row("gelu", "finished", 0.9, parameters=200, ms=3.5),
            row("tanh", "finished", 0.7, parameters=150, ms=1.0),
            row("tanh", "finished", 0.7, control=True, parameters=90, ms=9.0),
        )
    )
    assert {r.label: (r.ms_per_step, r.front) for r in rows} == {
        "gelu": (3.5, "both"),
        "relu": (3.0, "both"),
        "tanh": (1.0, "ms/step"),
        "baseline": (9.0, "params"),
    }
    assert list(to_frame(rows)["front"]) == [r.front for r in rows]
    assert list(to_frame(rows)["ms_per_step"]) == [3.5, 3.0, 1.0, 9.0]


def test_a_row_whose_steps_take_too_long_on_average_is_over_the_limit() -> None:
    trials = [
        row("relu", "finished", 0.8, ms=1.9),
        row("relu", "finished", 0.8, ms=2.3),
        row("gelu", "finished", 0.7, ms=1.8),
        row("gelu", "finished", 0.7, ms=2.1),
        row("tanh", "finished", 0.6, control=True, ms=5.0),
    ]
    rows = rank(study_of(*trials), {"milliseconds": 2})
    assert [(r.label, r.status, r.reason) for r in rows] == [
        ("gelu", "finished", ""),
        ("baseline", "finished", ""),
        ("relu", "over limit", "2.1 ms/step, limit 2"),
    ]
    assert rows[2].front == ""


def test_history_has_each_trial_at_its_number() -> None:
    rows = rank(
        study_of(
            row("gelu", "failed", reason="no"),
            row("gelu", "finished", 0.5),
            row("relu", "finished", 0.9),
            row("gelu", "finished", 0.7),
        )
    )
    line, best = draw_history(rows, "accuracy", "max").axes[0].lines
    assert list(line.get_xdata()) == [1, 2, 3]
    assert list(line.get_ydata()) == [0.5, 0.9, 0.7]
    assert list(best.get_ydata()) == [0.5, 0.9, 0.9]


def test_every_run_is_a_point_pruned_ones_too() -> None:
    rows = rank(
        study_of(
            row("gelu", "finished", 0.5, 0.6),
            row("relu", "finished", 0.9),
            row("tanh", "pruned", 0.2),
        )
    )
    axes = draw_by_activation(rows[:2], rows[2:], "accuracy", "max").axes[0]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == ["tanh", "gelu", "relu"]
    lowest = draw_by_activation(rows[:2], rows[2:], "mse", "min").axes[0]
    assert [tick.get_text() for tick in lowest.get_yticklabels()] == ["tanh", "relu", "gelu"]
    points = [x for line in axes.lines if line.get_marker() in "ox" for x in line.get_xdata()]
    assert sorted(points) == [0.2, 0.5, 0.6, 0.9]


def test_a_run_without_a_value_is_no_point(tmp_path: Path) -> None:
    undefined = row("gelu", "finished", float("nan"))
    for trials, count in ([undefined], 0), ([undefined, row("relu", "finished", 0.9)], 4):
        study = study_of(*trials)
        sweep = Sweep(study, tmp_path, "", rank(study), "accuracy", "max", {"hidden1": "relu"})
        assert len(write_figures(sweep)) == count


def test_rows_of_one_label_have_a_curve_each(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(study_figures, "draw_learning_curves", lambda *given: drawn.append(given))
    rows = [
        LeaderboardRow({"activation": name, "optim.lr": lr}, "finished", directories=[str(lr)])
        for name, lr in (("relu", 0.0051234), ("relu", 0.0051199), ("gelu", 0.005))
    ]
    study_figures.draw_best(rows, {"hidden1": "tanh"}, "accuracy")
    [(runs, metric, baselines)] = drawn
    assert list(runs.values()) == [["0.0051234"], ["0.0051199"], ["0.005"]]
    assert [label[:2] for label in runs] == ["1-", "2-", "ac"]
    assert (metric, baselines) == ("accuracy", [])


@pytest.mark.paints
def test_one_finished_trial_is_enough_for_pictures(tmp_path: Path) -> None:
    study = study_of(row("relu", "finished", 0.9))
    sweep = Sweep(study, tmp_path, "", rank(study), "accuracy", "max", {"hidden1": "relu"})
    assert {path.name for path in write_figures(sweep)} == {
        "by_activation.png",
        "history.png",
        "curves.png",
        "costs.png",
    }
