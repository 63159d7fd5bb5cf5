"""User attributes of a trial: what its runs gave, or why none was trained."""

import math
from typing import Any

from activation_search.config.overrides import command_of
from activation_search.config.run import TrainConfig
from activation_search.models.network import Network
from activation_search.search.costs import costs_of
from activation_search.search.pareto import MILLISECONDS
from activation_search.search.study import OVER_LIMIT
from activation_search.training.result import RunResult


def describe_results(results: list[RunResult]) -> dict[str, Any]:
    """Of a trial whose runs were trained."""
    last = results[-1]
    return {
        "status": last.status,
        "reason": last.reason,
        "values": values_of(results),
        "seeds": [result.seed for result in results],
        "directory": [result.directory for result in results],
        "assignment": last.assignment,
        "parameters": last.parameters,
        "seconds": sum(result.seconds for result in results),
        "ms_per_step": costs_of(results)[MILLISECONDS],
        "alarms": sorted({alarm["kind"] for result in results for alarm in result.alarms}),
        "config": results[0].config,
        "command": command_of(results[0].parsed_config(), [result.seed for result in results]),
    }


def describe_untrained(
    config: TrainConfig, network: Network, parameters: int, reason: str
) -> dict[str, Any]:
    """Of a trial that was above a limit before it was trained."""
    return {
        "status": OVER_LIMIT,
        "reason": reason,
        "values": [],
        "seeds": [],
        "directory": [],
        "assignment": network.assignment_text,
        "parameters": parameters,
        "seconds": 0.0,
        "ms_per_step": None,
        "alarms": [],
        "config": config.as_dict(),
        "command": command_of(config, [config.seed]),
    }


def values_of(results: list[RunResult]) -> list[float]:
    """Validation metric of each run, NaN where it has none."""
    return [result.metrics.get(f"val_{result.metric}", math.nan) for result in results]
