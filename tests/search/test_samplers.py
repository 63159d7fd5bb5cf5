"""Samplers and pruners that do not suit are refused with the reason."""

import statistics

import optuna
import pytest

from activation_search.config.compose import compose
from activation_search.config.search import SweepConfig
from activation_search.engine.workers import worker_count
from activation_search.errors import UserError
from activation_search.models.factory import sites_on
from activation_search.search.parse_space import build_space
from activation_search.search.samplers import (
    build_pruner,
    build_sampler,
    check_methods,
    check_sampler,
)
from activation_search.search.sweep import base_config


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["sampler=grid", "search=joint"], "sampler=grid needs a finite space"),
        (["sampler=grid", "search=per_layer"], "try all 20,736 combinations, and trials=24"),
        (["data.validation=0"], "judged on the validation split"),
        (["sampler=gp", "search=joint"], "knows no conditional parameters"),
        (["pruner=wilcoxon"], "set seeds_per_trial to 5 or more, not 1"),
        (["sampler=nsga2", "search=joint"], "sampler=nsga2 knows no conditional parameters"),
        (["sampler=gp", "search.limits={parameters: 9}"], "learns from trained trials only"),
        (
            ["pruner=median", "search.objectives=[accuracy,parameters]"],
            "pruner=median judges trials by one objective, and search.objectives has 2",
        ),
        (["pruner=median", "prune_warmup=30"], "leaves none of trainer.max_epochs=30"),
    ],
)
def test_what_does_not_suit(overrides: list[str], message: str) -> None:
    config = compose(overrides, SweepConfig)
    base = base_config(config, "s")
    space = build_space(config.search, base, sites_on(config.model, config.data))
    with pytest.raises(UserError, match=message):
        check_methods(config, space)


@pytest.mark.parametrize("name", ["cmaes", "CMA-ES", "cma_es"])
def test_cma_es_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(UserError, match="drops categories"):
        check_sampler(name)


def test_names() -> None:
    assert isinstance(build_sampler("random", 0), optuna.samplers.RandomSampler)
    assert isinstance(build_sampler("gp", 0), optuna.samplers.GPSampler)
    assert isinstance(build_sampler("auto", 0), optuna.samplers.TPESampler)
    assert isinstance(build_sampler("nsga2", 0), optuna.samplers.NSGAIISampler)
    kinds = {"none": "Nop", "median": "Median", "hyperband": "Hyperband"}
    for name, kind in kinds.items():
        pruner = build_pruner(compose([f"pruner={name}"], SweepConfig))
        assert type(pruner).__name__ == f"{kind}Pruner"
    wilcoxon = build_pruner(compose(["pruner=wilcoxon", "seeds_per_trial=8"], SweepConfig))
    assert isinstance(wilcoxon, optuna.pruners.WilcoxonPruner)


def test_the_default_sampler_learns_from_what_it_saw() -> None:
    # Forty trials of a space of 4^4 whose value is the number of right choices: drawing at random
    # finds 3.4 right ones at best on average, and has one right in four on average.
    values = []
    study = optuna.create_study(direction="maximize")
    for number in range(40):
        study.sampler = build_sampler("auto", seed=number)
        trial = study.ask()
        picks = [trial.suggest_categorical(f"site{i}", ["a", "b", "c", "d"]) for i in range(4)]
        values.append(picks.count("c"))
        study.tell(trial, values[-1])
    assert statistics.fmean(values[20:]) > 2


def count_for(given: str) -> int:
    config = compose([f"workers={given}"], SweepConfig)
    return worker_count(config.workers, config)


@pytest.mark.parametrize(("given", "count"), [("3", 3), ("1", 1)])
def test_workers(given: str, count: int) -> None:
    assert count_for(given) == count
    assert count_for("auto") >= 1


@pytest.mark.parametrize("given", ["0", "-2", "many", "1.5", "True", "100000"])
def test_workers_that_are_none(given: str) -> None:
    with pytest.raises(UserError, match=f"workers must be auto, or from 1 to 1024, not {given}"):
        count_for(given)
