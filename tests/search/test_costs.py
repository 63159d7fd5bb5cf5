"""Studies with limits and with several objectives; their runs are not trained."""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
from optuna.trial import TrialState
from rich.console import Console
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import metadata

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.config.search import SearchConfig, SweepConfig
from activation_search.engine import job as job_module
from activation_search.engine.runner import open_runner
from activation_search.errors import UserError
from activation_search.evidence.confirm import confirm
from activation_search.reports.report import write_report
from activation_search.reports.study_figures import write_figures
from activation_search.search.costs import built, check_costs
from activation_search.search.sweep import Sweep

from ..here import swept
from ..pretend import PARAMETERS, Score, name_of

Pretended = Callable[[Score], list[TrainConfig]]
SMALL = ["model=mlp", "data=digits", "model.width=16", "trainer.max_epochs=1", "name=s",
         "trainer.accelerator=cpu", "trainer.threads=1", "tensorboard.enabled=false"]  # fmt: skip
TWO = ["search.candidates=[relu,tanh]"]
WEIGHTS = 64 * 16 + 16 + 16 * 16 + 16 + 16 * 10 + 10


@pytest.fixture
def configure(tmp_path: Path) -> Callable[..., SweepConfig]:
    def make(*overrides: str) -> SweepConfig:
        return compose([*SMALL, f"logs={tmp_path}", *overrides], SweepConfig)

    return make


def shown(sweep: Sweep) -> list[tuple[str, str, str]]:
    return [(row.label, row.status, row.reason) for row in sweep.rows]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objectives": ["accuracy", "seconds"]}, "Unknown objective 'seconds', did you mean"),
        ({"objectives": ["parameters", "accuracy"]}, "begins with accuracy, by which the leader"),
        ({"objectives": ["accuracy", "accuracy"]}, "names one twice"),
        ({"limits": {"params": 3}}, "Unknown key of search.limits 'params'"),
        ({"limits": {"parameters": 0}}, "search.limits.parameters must be a number above 0, not 0"),
        ({"limits": {"milliseconds": "2"}}, "must be a number above 0, not '2'"),
        ({"limits": {"milliseconds": True}}, "must be a number above 0, not True"),
        ({"limits": {"milliseconds": math.nan}}, "must be a number above 0, not nan"),
    ],
)
def test_mistakes(given: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_costs(SearchConfig("global", False, **given), "accuracy")


def test_parameters_are_counted_before_training_as_after(small: Callable[..., TrainConfig]) -> None:
    config = small("model.width=16", "activation=prelu")
    network, parameters = built(config)
    assert parameters == WEIGHTS + 2 * 16
    assert network.assignment_text == {"hidden1": "prelu", "hidden2": "prelu"}


def test_what_is_too_large_is_not_trained_and_says_so(
    configure: Callable[..., SweepConfig], pretended: Pretended
) -> None:
    trained = pretended(lambda config: [0.5])
    limited = ["search.candidates=[relu,prelu,tanh]", f"search.limits={{parameters: {WEIGHTS}}}"]
    sweep = swept(configure(*limited, "trials=2"))
    assert sweep.study.trials[1].state is TrialState.PRUNED
    assert sweep.study.trials[1].constraints["parameters"] == pytest.approx(32 / WEIGHTS)
    assert sweep.study.trials[0].constraints["parameters"] == 0
    sweep = swept(configure(*limited, "trials=5", "search.controls=1"))
    # It counts, is planned once, and never repeated.
    assert [name_of(config) for config in trained] == ["relu", "tanh", "relu", "tanh", "relu"]
    assert shown(sweep) == [
        ("relu", "finished", ""),
        ("tanh", "finished", ""),
        ("baseline", "finished", ""),
        ("prelu", "over limit", f"{WEIGHTS + 32:,} params, limit {WEIGHTS:,}"),
    ]
    assert list(sweep.table["parameters"])[-1] == WEIGHTS + 32
    assert sweep.table["command"].iloc[-1].startswith("python train.py model=mlp data=digits")
    assert write_figures(sweep)
    assert "over limit" in write_report(sweep.folder)[1].read_text()


def test_a_study_of_which_nothing_may_be_trained_ends(
    configure: Callable[..., SweepConfig], pretended: Pretended
) -> None:
    trained = pretended(lambda config: [0.5])
    sweep = swept(configure(*TWO, "trials=4", "search.limits={parameters: 9}"))
    assert trained == []
    assert {status for _, status, _ in shown(sweep)} == {"over limit"}
    assert write_figures(sweep) == []
    write_report(sweep.folder)


def test_a_limit_of_time_tells_the_sampler(
    configure: Callable[..., SweepConfig], pretended: Pretended
) -> None:
    pretended(lambda config: [0.5])  # 100 ms per step
    sweep = swept(configure(*TWO, "trials=2", "search.limits={milliseconds: 50}"))
    assert [t.constraints["milliseconds"] for t in sweep.study.trials] == [1, 1]
    assert shown(sweep)[0] == ("relu", "over limit", "100 ms/step, limit 50")


@pytest.mark.parametrize("sampler", ["auto", "nsga2", "gp", "random"])
def test_several_objectives(
    configure: Callable[..., SweepConfig], pretended: Pretended, sampler: str
) -> None:
    pretended(lambda config: [len(str(config.activation)) / 100])
    asked = ["search=per_layer", "search.candidates=[relu,gelu,tanh]", f"sampler={sampler}"]
    asked += ["search.objectives=[accuracy,parameters]"]
    swept(configure(*asked, "trials=3"))
    sweep = swept(configure(*asked, "trials=8"))
    assert len(sweep.study.trials) == 8
    for trial in sweep.study.trials:
        assert trial.values == [trial.user_attrs["values"][0], PARAMETERS]
    means = [row.mean for row in sweep.rows]
    assert means == sorted(means, reverse=True)
    best = max(means)
    assert {row.mean for row in sweep.rows if row.front} == {best}
    assert {trial.values[0] for trial in sweep.study.best_trials} == {best}
    write_report(sweep.folder)


def test_what_diverged_is_on_no_front(
    configure: Callable[..., SweepConfig], pretended: Pretended
) -> None:
    pretended(lambda config: [math.nan if name_of(config) == "relu" else 0.5])
    asked = [*TWO, "search.objectives=[accuracy,parameters]"]
    sweep = swept(configure(*asked, "trials=4", "search.controls=1"))
    assert sweep.study.trials[0].values == [-math.inf, math.inf]
    assert {t.params.get("activation") for t in sweep.study.best_trials} == {"tanh"}
    assert [status for _, status, _ in shown(sweep)] == ["finished", "diverged", "diverged"]


def test_a_study_of_several_objectives_is_confirmed(
    configure: Callable[..., SweepConfig], pretended: Pretended
) -> None:
    values = {"relu": 0.6, "gelu": 0.8}
    pretended(lambda config: [values[name_of(config)]])
    config = configure(
        "search.candidates=[relu,gelu]", "search.objectives=[accuracy,milliseconds]", "trials=2",
        "confirm=1", "confirm_seeds=2",
    )  # fmt: skip
    sweep = swept(config)
    with open_runner(config, Console(quiet=True)) as runner:
        [block] = confirm(sweep, config, runner).blocks
    assert block.fronts == {"#1 gelu": "both", "baseline": ""}
    write_report(sweep.folder)


def test_a_failed_trial_stands_in_hparams(
    configure: Callable[..., SweepConfig], here: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = job_module.train

    def fail(config: TrainConfig, on_epoch: object = None) -> object:
        if config.activation.name == "tanh":
            raise RuntimeError("out of luck")
        return trained(config, on_epoch=on_epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(job_module, "train", fail)
    sweep = swept(configure("search.candidates=[elu,tanh]", "trials=2", "tensorboard.enabled=true"))
    folder = sweep.folder / "failed" / "trial-1" / "hparams"
    plugin = EventAccumulator(str(folder)).Reload().PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(plugin[metadata.SESSION_START_INFO_TAG])
    end = metadata.parse_session_end_info_plugin_data(plugin[metadata.SESSION_END_INFO_TAG])
    assert (start.hparams["trial"].number_value, end.status) == (1, 2)  # 2: failure
    assert start.hparams["activation"].string_value == "tanh"
    assert start.hparams["site/hidden1"].string_value == "tanh"
