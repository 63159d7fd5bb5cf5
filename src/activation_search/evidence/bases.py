"""The runs of one command on several models and data sets."""

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from activation_search.config.compose import compose
from activation_search.config.data import DataConfig
from activation_search.config.engine import EngineConfig
from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_source
from activation_search.engine.workers import job_run
from activation_search.errors import UserError
from activation_search.models.factory import check_reads, pinned_sources
from activation_search.training.task import criterion_of


def names_in(given: Any, key: str, own: str) -> list[str]:
    """What a setting lists; ``own`` where it is not set.

    Raises:
        UserError: it is no list of names.
    """
    if given is None:
        return [own]
    if not isinstance(given, list) or not given or not all(isinstance(n, str) for n in given):
        raise UserError(f"{key} must be a list of names, not {given!r}.")
    return given


def bases(
    config: EngineConfig, group: str, models: Sequence[str], datasets: Sequence[str]
) -> list[TrainConfig]:
    """One run per model and data set, with that model's and data set's own settings where it is
    not the one that the command line configured.

    Args:
        config: of the command.
        group: the runs' folder.
        models: names of the group ``model``.
        datasets: names of the group ``data``.

    Raises:
        UserError: there is none of that name, a model cannot read the data, or the data have not
            the metric.
    """
    given = job_run(config, group)
    found = []
    for model in models:
        for data in datasets:
            other = data != config.data.option
            own: TrainConfig = compose([f"model={model}", *([f"data={data}"] if other else [])])
            base = given
            if model != config.model.name:
                # A model of the user's own draws its weights itself, and others do not.
                init = own.init if "own" in (own.init, base.init) else base.init
                base = replace(base, model=own.model, init=init)
            if other:
                base = replace(base, data=_carried_over(config.data, own.data))
            base = pinned_sources(base)
            check_reads(model, load_source(base.data).sample)
            criterion_of(base)  # every data set must have the metric
            found.append(base)
    return found


def _carried_over(given: DataConfig, own: DataConfig) -> DataConfig:
    """Another data set's settings, with what the command line changed of those that both have."""
    configured: TrainConfig = compose([f"data={given.name}"])
    changed = {
        item.name: getattr(given, item.name)
        for item in fields(own)
        if item.name not in ("name", "reconstruct", "path", "sha256")
        and hasattr(given, item.name)
        and getattr(given, item.name) != getattr(configured.data, item.name)
    }
    return replace(own, **changed)
