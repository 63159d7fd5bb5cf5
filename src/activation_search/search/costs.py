"""What a study optimises beside its metric, and what its trials may cost."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from sys import float_info

from optuna.trial import Trial

from activation_search.config.run import TrainConfig
from activation_search.config.search import SearchConfig
from activation_search.data.registry import load_source
from activation_search.errors import UserError, unknown
from activation_search.models.factory import build_network
from activation_search.models.network import Network
from activation_search.search.pareto import COSTS, MILLISECONDS, PARAMETERS
from activation_search.training.result import RunResult


def check_costs(search: SearchConfig, metric: str) -> None:
    """Whether ``objectives`` and ``limits`` are such.

    Args:
        search: their settings.
        metric: what the task is judged by.

    Raises:
        UserError: one is not known, given twice, or no number above 0.
    """
    objectives = search.objectives
    for name in objectives:
        if name not in (metric, *COSTS):
            raise unknown("objective", name, (metric, *COSTS))
    if len(set(objectives)) < len(objectives):
        raise UserError(f"search.objectives names one twice: {', '.join(objectives)}.")
    if objectives and objectives[0] != metric:
        raise UserError(
            f"search.objectives begins with {metric}, by which the leaderboard ranks, not with "
            f"{objectives[0]}."
        )
    for name, limit in search.limits.items():
        if name not in COSTS:
            raise unknown("key of search.limits", name, COSTS)
        if (
            isinstance(limit, bool)
            or not isinstance(limit, int | float)
            or not 0 < limit <= float_info.max
        ):
            shown = f"{limit!r}"[:40]
            raise UserError(f"search.limits.{name} must be a number above 0, not {shown}.")


def extra_objectives(search: SearchConfig) -> list[str]:
    """The costs that are minimised beside the metric."""
    return list(search.objectives[1:])


def costs_of(results: Sequence[RunResult]) -> dict[str, float]:
    """Cost -> that of a trial, time as the mean over its runs."""
    return {
        PARAMETERS: results[-1].parameters,
        MILLISECONDS: 1000 * fmean(result.step_seconds for result in results),
    }


def constrain(trial: Trial, costs: Mapping[str, float], limits: Mapping[str, float]) -> None:
    """Notes for Optuna's samplers how far a trial is above each limit, as a share of it."""
    for name, limit in limits.items():
        if name in costs:
            trial.set_constraint(name, costs[name] / limit - 1)


def built(config: TrainConfig) -> tuple[Network, int]:
    """The network of a run before its training, and its number of parameters."""
    source = load_source(config.data)
    network = build_network(
        config.model,
        config.activation,
        source.sample,
        source.target.size,
        config.init,
        config.seed,
    )
    return network, sum(parameter.numel() for parameter in network.parameters())


def excess(name: str, cost: float, limits: Mapping[str, float]) -> str:
    """By what a cost is above its limit, in words; nothing where it is not."""
    limit = limits.get(name)
    if limit is None or cost <= limit:
        return ""
    form = ",.0f" if name == PARAMETERS else ".3g"
    return f"{cost:{form}} {COSTS[name]}, limit {limit:{form}}"
