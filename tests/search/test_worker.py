"""A worker in this process: what it runs, tells, and never reads."""

import shlex
import signal
import statistics
from collections.abc import Callable, Iterator
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from activation_search.compose import compose
from activation_search.models.factory import MODELS
from activation_search.search import worker
from activation_search.search.build import build_space
from activation_search.search.config import SweepConfig
from activation_search.search.leaderboard import Row, rank, reproduce, size_of_luck
from activation_search.search.study import ERROR, fill_queue, open_storage, open_study
from activation_search.search.sweep import base_config
from activation_search.training import run as run_module

Work = Callable[..., optuna.Study]


class UntilEmpty:
    """Stops a worker when the queue is empty, in place of the event of its team."""

    def __init__(self, study: optuna.Study):
        self.study = study

    def is_set(self) -> bool:
        return not self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))


@pytest.fixture
def work(tmp_path: Path) -> Iterator[Work]:
    """Runs a study of the digits MLP to its end with one worker in this process."""

    def run(*overrides: str) -> optuna.Study:
        config = compose(
            [
                "model=mlp",
                "data=digits",
                "model.width=16",
                "trainer.max_epochs=3",
                "trainer.accelerator=cpu",
                "tensorboard.enabled=false",
                f"logs={tmp_path}",
                *overrides,
            ],
            SweepConfig,
        )
        base = base_config(config, "s", workers=1)
        base.trainer.threads = 1
        url = f"journal://{tmp_path}/journal.log"
        space = build_space(config.search, base, MODELS["mlp"].sites(config.model))
        study = open_study(open_storage(url), "s", config, space, "max")
        fill_queue(study, space, config)
        worker.main(worker.Assignment(config, base, url, "s"), UntilEmpty(study))  # type: ignore[arg-type]
        return study

    handler = signal.getsignal(signal.SIGINT)
    verbosity = optuna.logging.get_verbosity()
    yield run
    signal.signal(signal.SIGINT, handler)
    optuna.logging.set_verbosity(verbosity)


def results(study: optuna.Study) -> list[dict]:
    return [trial.user_attrs[worker.RESULT] for trial in study.trials]


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
        run_module.DataModule, "test_dataloader", lambda self: pytest.fail("test split read")
    )
    study = work("search.candidates=[relu,gelu]", "trials=3", "test=true")
    assert [t.state for t in study.trials] == [TrialState.COMPLETE] * 3


def test_remaining_trials_repeat_the_best_under_further_seeds(work: Work) -> None:
    study = work("search.candidates=[relu,identity,sigmoid,tanh]", "trials=10")
    first = {t.params["activation"]: t.value for t in study.trials[:4]}
    best = sorted(first, key=lambda name: -first[name])[:3]
    repeated = study.trials[4:]
    assert {t.params["activation"] for t in repeated} <= set(first)
    assert repeated[0].params["activation"] in best
    seeds: dict[str, list[int]] = {}
    for trial, result in zip(study.trials, results(study), strict=True):
        seeds.setdefault(trial.params["activation"], []).extend(result["seeds"])
    assert all(found == list(range(len(found))) for found in seeds.values())
    assert sum(map(len, seeds.values())) == 10


def test_seeds_per_trial_are_averaged(work: Work) -> None:
    study = work("search.candidates=[relu,gelu]", "trials=2", "seeds_per_trial=3", "seed=5")
    for trial, result in zip(study.trials, results(study), strict=True):
        assert result["seeds"] == [5, 6, 7]
        assert len(set(result["values"])) > 1
        assert trial.value == pytest.approx(statistics.fmean(result["values"]))


def test_controls_are_the_baseline_under_other_seeds(work: Work) -> None:
    study = work("search.candidates=[relu,tanh]", "trials=2", "search.controls=3")
    rows = rank(study)
    [control] = [row for row in rows if row.control]
    assert control.seeds == [1, 2, 3]
    assert set(control.assignment.values()) == {"relu"}
    luck = max(control.values) - statistics.median(control.values)
    assert size_of_luck(rows, "max") == pytest.approx(luck)


def test_suggestions_repeat_themselves(work: Work, tmp_path: Path) -> None:
    overrides = ["search=per_layer", "trials=7", "search.candidates=[relu,gelu,tanh,elu]"]
    study = work(*overrides)
    first = [t.params for t in study.trials]
    # A point that is drawn again is no wasted trial: it runs under the next seed.
    runs = [
        (tuple(t.params.items()), *r["seeds"])
        for t, r in zip(study.trials, results(study), strict=True)
    ]
    assert len(set(runs)) == 7
    (tmp_path / "journal.log").unlink()
    assert [t.params for t in work(*overrides).trials] == first


def test_joint_draws_own_parameters_and_learning_rate(work: Work) -> None:
    study = work("search=joint", "search.candidates=[leaky_relu,relu]", "trials=6")
    for trial in study.trials[2:]:
        assert 5e-4 <= trial.params["optim.lr"] <= 3e-2
        own = "activation.leaky_relu.negative_slope" in trial.params
        assert own == (trial.params["activation"] == "leaky_relu")


def test_a_diverged_trial_is_a_result_and_ranks_last(work: Work) -> None:
    study = work(
        "search=global",
        "search.candidates=[relu]",
        "search.hparams={optim.lr: [0.01, 1e12]}",
        "optim.optimizer=sgd",
        "optim.schedule=constant",
        "trials=2",
    )
    good, bad = rank(study)
    assert (good.status, bad.status) == ("finished", "diverged")
    assert "loss is" in bad.reason
    assert study.trials[1].state is TrialState.COMPLETE
    assert study.best_trial.number == good.trials[0]


def test_a_trial_that_raises_is_recorded_and_the_study_goes_on(
    work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = run_module.ActivationModule.training_step

    def fail(self, batch, index):
        if self.config.activation["name"] == "gelu":
            raise RuntimeError("out of luck")
        return original(self, batch, index)

    monkeypatch.setattr(run_module.ActivationModule, "training_step", fail)
    study = work("search.candidates=[relu,gelu,tanh]", "trials=3")
    assert [t.state.name for t in study.trials] == ["COMPLETE", "FAIL", "COMPLETE"]
    last = rank(study)[-1]
    assert (last.status, last.reason) == ("failed", "RuntimeError: out of luck")
    assert "Traceback" in study.trials[1].user_attrs[ERROR]


def test_median_pruning_keeps_the_last_value(work: Work) -> None:
    study = work(
        "search.candidates=[relu,gelu,silu,elu,mish,tanh,sigmoid]",
        "trials=7",
        "pruner=median",
        "prune_warmup=1",
        "trainer.max_epochs=6",
    )
    assert [t.state.name for t in study.trials][-1] == "PRUNED"  # sigmoid starts late
    pruned = study.trials[-1]
    assert pruned.value == pruned.intermediate_values[pruned.last_step]
    assert 1 <= pruned.last_step < 6
    assert len(study.trials[0].intermediate_values) == 6
    row = next(r for r in rank(study) if r.trials == [6])
    assert row.status == "pruned"


def test_a_replicate_of_nothing_is_no_crash(work: Work, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self, batch, index):
        raise RuntimeError("out of luck")

    monkeypatch.setattr(run_module.ActivationModule, "training_step", fail)
    study = work("search.candidates=[relu,gelu]", "trials=3")
    assert [t.user_attrs[ERROR].strip().splitlines()[-1] for t in study.trials] == [
        "RuntimeError: out of luck"
    ] * 3


@pytest.mark.parametrize(
    "overrides",
    [
        ["pruner=hyperband", "trainer.max_epochs=6", "prune_warmup=1"],
        ["pruner=wilcoxon", "seeds_per_trial=6"],
    ],
)
def test_other_pruners_run_without_a_warning(work: Work, overrides: list[str]) -> None:
    study = work("search.candidates=[relu,gelu,sigmoid]", "trials=4", *overrides)
    states = {t.state.name for t in study.trials}
    assert states <= {"COMPLETE", "PRUNED"}
    assert {r["assignment"]["hidden1"] for r in results(study)} == {"relu", "gelu", "sigmoid"}


@pytest.mark.parametrize("sampler", ["gp", "random"])
def test_other_samplers_fill_the_study(work: Work, sampler: str) -> None:
    space = ["search=per_layer", "search.candidates=[relu,tanh]"]
    study = work(*space, "trials=5", f"sampler={sampler}")
    assert [t.state.name for t in study.trials] == ["COMPLETE"] * 5


def test_repeating_a_row_gives_its_number(work: Work, small) -> None:
    study = work("search=joint", "search.candidates=[leaky_relu,prelu]", "trials=4", "seed=3")
    row: Row = rank(study)[0]
    command = reproduce(row)
    assert command.startswith("python train.py model=mlp data=digits activation=")
    overrides = shlex.split(command)[2:]
    quiet = ["trainer.progress=false", "trainer.accelerator=cpu", "tensorboard.enabled=false"]
    result = run_module.train(compose([*overrides, *quiet, f"logs={small().logs}/again"]))
    assert result.metrics["val_accuracy"] == row.values[0]
