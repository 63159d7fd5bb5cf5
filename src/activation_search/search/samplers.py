"""Samplers and pruners by name."""

import warnings

import optuna
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner, WilcoxonPruner
from optuna.samplers import BaseSampler, GPSampler, NSGAIISampler, RandomSampler, TPESampler

from activation_search.config.search import SAMPLERS, SweepConfig
from activation_search.errors import UserError
from activation_search.search.costs import extra_objectives
from activation_search.search.pareto import PARAMETERS
from activation_search.search.space import Space

POPULATION = 20  # of NSGA-II; Optuna's 50 would draw the first 50 trials at random


def check_sampler(name: str) -> None:
    """Refuses samplers that Optuna has and that do not suit activations.

    Raises:
        UserError: says why.
    """
    if name.replace("-", "").replace("_", "").lower() == "cmaes":
        raise UserError(
            "sampler=cmaes drops categories, and every choice of an activation is one: it would "
            f"quietly draw at random. Choose one of {', '.join(SAMPLERS)}."
        )


def check_methods(config: SweepConfig, space: Space) -> None:
    """Refuses a sampler or pruner that does not suit the space or the budget.

    Raises:
        UserError: says why, and what does.
    """
    if not config.validates:
        raise UserError("A study is judged on the validation split; set data.validation above 0.")
    if config.sampler == "grid" and space.size == float("inf"):
        raise UserError(
            "sampler=grid needs a finite space, and this one draws continuous values; "
            "choose tpe or random."
        )
    if config.sampler == "grid" and space.size > config.trials:
        raise UserError(
            f"sampler=grid would try all {space.size:,} combinations, and trials={config.trials} "
            "would end in a corner of them; raise trials, or choose tpe or random."
        )
    if config.sampler in ("gp", "nsga2") and space.with_parameters:
        raise UserError(
            f"sampler={config.sampler} knows no conditional parameters and would draw those of "
            "activations at random; choose tpe, or search.parameters=false."
        )
    if config.sampler == "gp" and PARAMETERS in config.search.limits:
        raise UserError(
            "sampler=gp learns from trained trials only and would draw the same ones over "
            "search.limits.parameters again; choose tpe, or leave the limit out."
        )
    if config.pruner != "none" and extra_objectives(config.search):
        raise UserError(
            f"pruner={config.pruner} judges trials by one objective, and search.objectives has "
            f"{len(config.search.objectives)}; set pruner=none, or name one objective."
        )
    if config.pruner == "wilcoxon" and config.seeds_per_trial < 5:
        raise UserError(
            "pruner=wilcoxon compares trials seed by seed and cannot act before the fourth; "
            f"set seeds_per_trial to 5 or more, not {config.seeds_per_trial}."
        )
    if config.pruner in ("median", "hyperband") and config.prune_warmup >= (
        config.trainer.max_epochs
    ):
        raise UserError(
            f"prune_warmup={config.prune_warmup} leaves none of trainer.max_epochs="
            f"{config.trainer.max_epochs} to prune in."
        )


def build_sampler(name: str, seed: int) -> BaseSampler:
    """A fresh sampler for one trial.

    Args:
        name: ``auto`` and ``grid`` plan their points, and need one for what is left: TPE.
        seed: of this trial, so that a resumed study draws what an unbroken one would.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "random":
            return RandomSampler(seed)
        if name == "gp":
            return GPSampler(seed=seed)
        if name == "nsga2":
            return NSGAIISampler(seed=seed, population_size=POPULATION)
        # Groups keep the conditional parameters of different activations apart.
        return TPESampler(seed=seed, multivariate=True, group=True, constant_liar=True)


def build_pruner(config: SweepConfig) -> BasePruner:
    """The named pruner."""
    if config.pruner == "median":
        return MedianPruner(n_startup_trials=5, n_warmup_steps=config.prune_warmup)
    if config.pruner == "hyperband":
        return HyperbandPruner(
            min_resource=max(1, config.prune_warmup), max_resource=config.trainer.max_epochs
        )
    if config.pruner == "wilcoxon":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            return WilcoxonPruner(p_threshold=0.1)
    return NopPruner()
