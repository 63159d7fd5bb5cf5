"""What a driver asks, tells, and never reads; its jobs run in this process."""

import math
import shlex
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.engine import runner as runner_module
from activation_search.engine.engine import Results
from activation_search.engine.job import Job, Judge
from activation_search.errors import UserError
from activation_search.search.driver import Driver
from activation_search.search.leaderboard import LeaderboardRow, rank, reproduce, size_of_luck
from activation_search.search.study import ERROR, KIND, NUMBER, open_in
from activation_search.training import run as run_module
from activation_search.training import session as session_module

from ..here import HereEngine, swept
from ..pretend import Score, name_of

Pretended = Callable[[Score], list[TrainConfig]]
Work = Callable[..., optuna.Study]


@pytest.fixture
def work(tmp_path: Path, here: None) -> Work:
    """Runs a study of the digits MLP to its end."""

    def run(*overrides: str) -> optuna.Study:
        config = compose(
            [
                "model=mlp",
                "data=digits",
                "model.width=16",
                "trainer.max_epochs=1",
                "trainer.accelerator=cpu",
                "trainer.threads=1",
                "tensorboard.enabled=false",
                "name=s",
                f"logs={tmp_path}",
                *overrides,
            ],
            SweepConfig,
        )
        return swept(config).study

    return run


def results(study: optuna.Study) -> list[dict]:
    return [trial.user_attrs for trial in study.trials]


def kinds(study: optuna.Study) -> list[str]:
    return [trial.user_attrs[KIND] for trial in study.trials]


def points(study: optuna.Study) -> list[tuple]:
    return [tuple(trial.params.values()) for trial in study.trials]


def test_twelve_candidates_each_exactly_once(work: Work) -> None:
    study = work("search=global", "trials=12")
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 12
    assert len({t.params["activation"] for t in study.trials}) == 12
    for trial, result in zip(study.trials, results(study), strict=True):
        assert trial.value == result["values"][0]
        assert set(result["assignment"].values()) == {trial.params["activation"]}
        assert result["seeds"] == [0]


def test_the_test_split_is_never_read(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        session_module.DataModule, "test_dataloader", lambda self: pytest.fail("test split read")
    )
    study = work("search.candidates=[relu,gelu]", "trials=3", "test=true")
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 3


def test_remaining_trials_repeat_the_best_three_under_further_seeds(
    work: Work, pretended: Pretended
) -> None:
    values = {"relu": 0.8, "identity": 0.5, "sigmoid": 0.7, "tanh": 0.9}
    pretended(lambda config: [values[name_of(config)]])
    study = work("search.candidates=[relu,identity,sigmoid,tanh]", "trials=10")
    runs = [
        (trial.params["activation"], *result["seeds"])
        for trial, result in zip(study.trials, results(study), strict=True)
    ]
    assert runs[:4] == [("relu", 0), ("identity", 0), ("sigmoid", 0), ("tanh", 0)]
    # In turn, the best first.
    assert runs[4:7] == [("tanh", 1), ("relu", 1), ("sigmoid", 1)]
    assert runs[7:] == [("tanh", 2), ("relu", 2), ("sigmoid", 2)]


def test_seeds_per_trial_are_averaged(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [config.seed / 10])
    study = work("search.candidates=[relu,gelu]", "trials=2", "seeds_per_trial=3", "seed=5")
    for trial, result in zip(study.trials, results(study), strict=True):
        assert result["seeds"] == [5, 6, 7]
        assert result["values"] == [0.5, 0.6, 0.7]
        assert trial.value == pytest.approx(0.6)


def test_controls_are_the_baseline_under_other_seeds(work: Work, pretended: Pretended) -> None:
    values = [0.5, 0.7, 0.9, 0.6]
    pretended(lambda config: [values[config.seed]])
    study = work("search.candidates=[relu,tanh]", "trials=2", "search.controls=3")
    rows = rank(study)
    [control] = [row for row in rows if row.control]
    assert control.seeds == [1, 2, 3]
    assert set(control.assignment.values()) == {"relu"}
    assert size_of_luck(rows, "max") == pytest.approx(0.2)  # 0.9 over the median of 0.7, 0.9, 0.6


def test_suggestions_repeat_themselves(work: Work, pretended: Pretended, tmp_path: Path) -> None:
    pretended(lambda config: [len(str(config.activation)) / 1000])
    overrides = ["search=per_layer", "trials=7", "search.candidates=[relu,gelu,tanh,elu]"]
    study = work(*overrides)
    first = [t.params for t in study.trials]
    # A point that is drawn again is no wasted trial: it runs under the next seed.
    runs = [
        (tuple(t.params.items()), *r["seeds"])
        for t, r in zip(study.trials, results(study), strict=True)
    ]
    assert len(set(runs)) == 7
    (tmp_path / "sweeps" / "s" / "journal.log").unlink()
    assert [t.params for t in work(*overrides).trials] == first


def test_joint_draws_own_parameters_and_learning_rate(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [config.optim.lr])
    study = work("search=joint", "search.candidates=[leaky_relu,relu]", "trials=6")
    for trial in study.trials[2:]:
        assert 5e-4 <= trial.params["optim.lr"] <= 3e-2
        own = "activation.leaky_relu.negative_slope" in trial.params
        assert own == (trial.params["activation"] == "leaky_relu")


def test_a_diverged_trial_is_a_result_and_ranks_last(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [0.9, math.nan if name_of(config) == "relu" else 0.5])
    study = work("search=global", "search.candidates=[relu,gelu]", "trials=2")
    good, bad = rank(study)
    assert (good.label, good.status) == ("gelu", "finished")
    assert (bad.label, bad.status, bad.reason) == ("relu", "diverged", "training loss is nan")
    assert study.trials[0].state is TrialState.COMPLETE
    assert study.best_trial.number == good.trials[0]


def test_a_trial_that_raises_is_recorded_and_the_study_goes_on(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = session_module.ActivationModule.training_step

    def fail(self, batch, index):
        if self.config.activation.name == "gelu":
            raise RuntimeError("out of luck")
        return original(self, batch, index)

    monkeypatch.setattr(session_module.ActivationModule, "training_step", fail)
    study = work("search.candidates=[relu,gelu,tanh]", "trials=3")
    assert [t.state.name for t in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    last = rank(study)[-1]
    assert (last.status, last.reason) == ("failed", "RuntimeError: out of luck")
    assert "Traceback" in study.trials[1].user_attrs[ERROR]


def test_median_pruning_keeps_the_last_value(work: Work, pretended: Pretended) -> None:
    curves = {
        "relu": [0.2, 0.5, 0.8],
        "gelu": [0.3, 0.6, 0.9],
        "silu": [0.1, 0.2, 0.3],  # the first five trials are never pruned
        "elu": [0.4, 0.7, 0.8],
        "mish": [0.5, 0.6, 0.7],
        "tanh": [0.1, 0.6, 0.9],  # behind before the second epoch only
        "sigmoid": [0.4, 0.5, 0.9],  # below the median of 0.6
    }
    pretended(lambda config: curves[name_of(config)])
    candidates = f"search.candidates=[{','.join(curves)}]"
    study = work(candidates, "trials=7", "pruner=median", "prune_warmup=2", "trainer.max_epochs=3")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 6 + ["PRUNED"]
    assert study.trials[0].intermediate_values == {1: 0.2, 2: 0.5, 3: 0.8}
    pruned = study.trials[-1]
    assert (pruned.value, pruned.last_step) == (0.5, 2)
    row = next(r for r in rank(study) if r.trials == [6])
    assert (row.status, row.values) == ("pruned", [0.5])


def test_copies_of_the_baseline_are_not_pruned(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [0.1, 0.1] if config.seed else [0.5, 0.6])
    names = ["relu", "gelu", "silu", "elu", "tanh"]
    study = work(f"search.candidates=[{','.join(names)}]", "trials=5", "search.controls=2",
                 "pruner=median", "prune_warmup=1", "trainer.max_epochs=2")  # fmt: skip
    assert kinds(study)[5:] == ["control"] * 2
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 7


def test_a_replicate_of_nothing_is_no_crash(
    work: Work, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(self, batch, index):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(session_module.ActivationModule, "training_step", fail)
    with pytest.raises(UserError, match=r"All trials failed, the first with: .*out of luck"):
        work("search.candidates=[relu,gelu]", "trials=3")
    trials = open_in(tmp_path / "sweeps" / "s", None)[0].get_all_trials(0)
    assert [t.user_attrs[ERROR].strip().splitlines()[-1] for t in trials] == [
        "RuntimeError: out of luck"
    ] * 3


@pytest.mark.parametrize(
    "overrides",
    [
        ["pruner=hyperband", "trainer.max_epochs=6", "prune_warmup=1"],
        ["pruner=wilcoxon", "seeds_per_trial=6"],
    ],
)
def test_other_pruners_end_the_worst_without_a_warning(
    work: Work, pretended: Pretended, overrides: list[str]
) -> None:
    values = {"relu": 0.9, "gelu": 0.8, "silu": 0.7, "sigmoid": 0.1}
    pretended(lambda config: [values[name_of(config)] + 0.01 * (config.seed % 3)] * 6)
    study = work("search.candidates=[relu,gelu,silu,sigmoid]", "trials=4", *overrides)
    states = [t.state.name for t in study.trials]
    assert (states[0], states[-1]) == ("COMPLETE", "PRUNED")
    assert [r["assignment"]["hidden1"] for r in results(study)] == list(values)


@pytest.mark.parametrize("sampler", ["gp", "random"])
def test_other_samplers_fill_the_study(work: Work, pretended: Pretended, sampler: str) -> None:
    pretended(lambda config: [0.5])
    space = ["search=per_layer", "search.candidates=[relu,tanh]"]
    study = work(*space, "trials=5", f"sampler={sampler}")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 5


def test_repeating_a_row_gives_its_number(work: Work, small) -> None:
    study = work("search=joint", "search.candidates=[leaky_relu,prelu]", "trials=4", "seed=3")
    row: LeaderboardRow = rank(study)[0]
    command = reproduce(row)
    assert command.startswith("python train.py model=mlp data=digits activation=")
    overrides = shlex.split(command)[2:]
    quiet = ["trainer.progress=false", "trainer.accelerator=cpu", "tensorboard.enabled=false"]
    result = run_module.train(compose([*overrides, *quiet, f"logs={small().logs}/again"]))
    assert result.metrics["val_accuracy"] == row.values[0]


def test_a_finite_space_is_tried_once_and_the_rest_repeats(
    work: Work, pretended: Pretended
) -> None:
    pretended(lambda config: [0.5])
    study = work("search.candidates=[relu,gelu,tanh]", "trials=5")
    assert points(study)[:3] == [("relu",), ("gelu",), ("tanh",)]
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 2


def test_a_large_space_starts_with_each_candidate_everywhere(
    work: Work, pretended: Pretended
) -> None:
    pretended(lambda config: [0.5])
    study = work("search=per_layer", "search.candidates=[relu,gelu,tanh]", "trials=5")
    assert points(study)[:3] == [("relu", "relu"), ("gelu", "gelu"), ("tanh", "tanh")]
    assert kinds(study) == ["planned"] * 3 + ["sampled"] * 2


def test_more_trials_are_exact_and_plan_nothing_twice(work: Work, pretended: Pretended) -> None:
    seen = pretended(lambda config: [0.5])
    work("search.candidates=[relu,gelu,tanh]", "trials=2")
    assert len(seen) == 2
    work("search.candidates=[relu,gelu,tanh]", "trials=2")
    assert len(seen) == 2
    study = work("search.candidates=[relu,gelu,tanh]", "trials=6", "search.controls=2")
    assert len(seen) == 8
    assert kinds(study) == ["planned"] * 3 + ["replicate"] * 3 + ["control"] * 2
    assert {p for p in points(study) if p} == {("relu",), ("gelu",), ("tanh",)}


def test_starts_are_tried_once_though_more_is_drawn_beside_them(
    work: Work, pretended: Pretended
) -> None:
    pretended(lambda config: [0.5])
    small = ["search=joint", "search.candidates=[relu,gelu]"]
    work(*small, "trials=2")
    study = work(*small, "trials=4")
    assert [t.params["activation"] for t in study.trials[:2]] == ["relu", "gelu"]
    assert kinds(study) == ["planned"] * 2 + ["sampled"] * 2


def test_grid_and_random(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [0.5])
    per_layer = ["search=per_layer", "search.candidates=[relu,gelu]", "trials=4"]
    grid = work(*per_layer, "sampler=grid", "name=g")
    assert points(grid) == [
        ("relu", "relu"), ("relu", "gelu"), ("gelu", "relu"), ("gelu", "gelu"),
    ]  # fmt: skip
    drawn = work("search.candidates=[relu,gelu]", "trials=2", "sampler=random", "name=r")
    assert kinds(drawn) == ["sampled"] * 2


def test_a_resumed_study_asks_what_an_unbroken_one_does(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [len(str(config.activation)) / 1000])
    joint = ["search=joint", "search.candidates=[leaky_relu,gelu,tanh]", "search.controls=1"]
    unbroken = work(*joint, "trials=9", "search.controls=0", "name=u")
    for trials in (4, 5, 9):
        resumed = work(*joint, f"trials={trials}", "search.controls=0", "name=r")
    assert [t.params for t in resumed.trials] == [t.params for t in unbroken.trials]
    assert [t.user_attrs["seeds"] for t in resumed.trials] == [
        t.user_attrs["seeds"] for t in unbroken.trials
    ]


def test_attributes_of_a_trial_are_plain(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [0.5])
    study = work("search.candidates=[relu,gelu]", "trials=2", "seeds_per_trial=2")
    found = study.trials[0].user_attrs
    assert (found["parameters"], found["seconds"], found["ms_per_step"]) == (100, 4.0, 100.0)
    assert found["seeds"] == [0, 1]
    assert found["command"].startswith("python train.py -m model=mlp data=digits activation=relu")
    assert found["command"].endswith("seed=0,1")
    assert study.metric_names == ["validation accuracy"]


class OutOfOrderEngine(HereEngine):
    """Four jobs at a time; the last one submitted ends first."""

    def slots(self) -> int:
        return 4

    def submit(self, job: Job, judge: Judge | None = None) -> Results:
        self.waiting = [*getattr(self, "waiting", []), (job, judge, Future())]
        return self.waiting[-1][2]

    def wait(self, timeout: float) -> None:
        job, judge, future = self.waiting.pop()
        future.set_result(super().submit(job, judge).result())


def test_four_workers_ask_what_one_does_and_a_resumed_study_nothing_twice(
    work: Work, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = pretended(lambda config: [0.5])
    drawn = ["search=joint", "sampler=random", "search.candidates=[relu,gelu,elu,tanh]", "trials=9"]
    one = work(*drawn, "name=one")
    wanted = {trial.user_attrs[NUMBER]: trial.params for trial in one.trials}
    assert sorted(wanted) == list(range(9))
    monkeypatch.setattr(runner_module, "LocalEngine", OutOfOrderEngine)
    interrupted = len(seen) + 3
    with monkeypatch.context() as patch:
        patch.setattr(Driver, "tell", _until(lambda: len(seen) == interrupted, Driver.tell))
        with pytest.raises(KeyboardInterrupt):
            work(*drawn, "name=four")
    four = work(*drawn, "name=four")
    assert {trial.user_attrs[NUMBER]: trial.params for trial in four.trials} == wanted


def _until(reached: Callable[[], bool], tell: Callable[..., None]) -> Callable[..., None]:
    def told(*given: object) -> None:
        tell(*given)
        if reached():
            raise KeyboardInterrupt

    return told


def test_equal_rows_keep_the_order_of_asking(
    work: Work, pretended: Pretended, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretended(lambda config: [0.5])
    monkeypatch.setattr(runner_module, "LocalEngine", OutOfOrderEngine)
    study = work("search.candidates=[relu,gelu,tanh]", "trials=3")
    assert [trial.params["activation"] for trial in study.trials] == ["tanh", "gelu", "relu"]
    assert [row.label for row in rank(study)] == ["relu", "gelu", "tanh"]


def test_trials_of_others_are_left_alone(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: [0.5])
    study = work("search.candidates=[relu,gelu]", "trials=2")
    study.add_trial(optuna.trial.create_trial(value=1.0))
    study.enqueue_trial({"activation": "gelu"})
    again = work("search.candidates=[relu,gelu]", "trials=4")
    assert len([t for t in again.trials if KIND in t.user_attrs]) == 4
    assert {row.label for row in rank(again)} == {"relu", "gelu"}
