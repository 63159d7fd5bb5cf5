"""Which setting of a study the baseline gets that was no candidate."""

import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.evidence import confirm as confirm_module
from activation_search.search.leaderboard import LeaderboardRow

FINISHED, DIVERGED = "finished", "diverged"


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(FINISHED, 0.3), (FINISHED, 0.2)], 1),
        ([(FINISHED, math.nan), (FINISHED, 0.3), (FINISHED, 0.2)], 2),
        ([(DIVERGED, 0.1), (FINISHED, 0.3)], 1),
        ([(DIVERGED, 0.1), (DIVERGED, math.nan)], 0),
    ],
)
def test_a_setting_at_which_the_baseline_diverges_is_not_its_best(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, results: list[tuple[str, float]], best: int
) -> None:
    base: TrainConfig = compose(["model=mlp", "data=diabetes", f"logs={tmp_path}"])
    rows = [
        LeaderboardRow({}, FINISHED, config=compose(["model=mlp", f"optim.lr={n + 1}"]).as_dict())
        for n in range(len(results))
    ]

    def run_all(runs: dict[int, TrainConfig], *_: Any) -> dict[int, Any]:
        return {
            n: SimpleNamespace(status=results[n][0], metrics={"val_mae": results[n][1]})
            for n in runs
        }

    monkeypatch.setattr(confirm_module, "run_all", run_all)
    sweep: Any = SimpleNamespace(mode="min", metric="mae")
    runner: Any = None
    assert confirm_module._best_setting(rows, base, sweep, runner).optim.lr == best + 1
