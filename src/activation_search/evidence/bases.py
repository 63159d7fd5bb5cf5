"""The run of one command on several models and data sets."""

from dataclasses import fields, replace
from typing import Any

from activation_search.config.compose import compose
from activation_search.config.data import DataConfig
from activation_search.config.engine import EngineConfig
from activation_search.config.run import TrainConfig, check_run
from activation_search.data.registry import load_source, load_splits
from activation_search.engine.workers import job_run
from activation_search.errors import UserError
from activation_search.models.factory import check_reads, pinned_sources
from activation_search.training.task import criterion_of


def names_in(given: Any, key: str) -> list[str]:
    """What a setting lists; nothing where it is not set.

    Raises:
        UserError: it is no list of names, or has one twice.
    """
    if given is None:
        return []
    if not isinstance(given, list) or not given or not all(isinstance(n, str) for n in given):
        raise UserError(f"{key} must be a list of names, not {given!r}.")
    if len(set(given)) < len(given):
        raise UserError(f"{key} has a name twice: {', '.join(given)}.")
    return given


def base_on(config: EngineConfig, group: str, model: str, data: str) -> TrainConfig:
    """The run on a model and a data set, with their own settings where they are not the ones that
    the command line configured.

    Args:
        config: of the command.
        group: the runs' folder.
        model: name in the group ``model``.
        data: name in the group ``data``.

    Raises:
        UserError: there is none of that name, a setting does not suit it, the model cannot read
            the data, or the data have not the metric.
    """
    base = job_run(config, group)
    other = data != config.data.option
    own: TrainConfig = compose([f"model={model}", *([f"data={data}"] if other else [])])
    if model != config.model.name:
        # A model of the user's own draws its weights itself, and others do not.
        init = own.init if "own" in (own.init, base.init) else base.init
        base = replace(base, model=own.model, init=init)
    if other:
        base = replace(base, data=_carried_over(config.data, own.data))
    base = pinned_sources(base)
    check_run(replace(base, test=False))  # what is kept for the test is not its own to say
    check_reads(model, load_source(base.data).sample)
    if other:
        load_splits(base.data, base.seed)  # what was carried over suits it
    criterion_of(base)  # every data set must have the metric
    return base


def _carried_over(given: DataConfig, own: DataConfig) -> DataConfig:
    """Another data set's settings, with what the command line changed of those that both have."""
    configured: TrainConfig = compose([f"data={given.name}"])
    changed = {
        item.name: getattr(given, item.name)
        for item in fields(own)
        if item.name not in ("name", "reconstruct", "path", "sha256")
        and hasattr(given, item.name)
        and getattr(given, item.name) != getattr(configured.data, item.name)
        and not (item.name == "class_weights" and isinstance(given.class_weights, list))
    }
    return replace(own, **changed)
