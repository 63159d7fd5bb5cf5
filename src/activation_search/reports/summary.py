"""A run in words: what a summary says, wherever it is shown."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from activation_search.console import in_short
from activation_search.training.criterion import UNDEFINED
from activation_search.training.result import RunResult

MAX_ROWS = 8  # of sites
_SPLITS = {"val": "validation", "test": "test"}


def title(result: RunResult) -> str:
    """Model, data and seed."""
    config = result.parsed_config()
    return f"{config.model.label} on {config.data.name}, seed {config.seed}"


def summary(result: RunResult) -> Iterator[tuple[str, str]]:
    """Rows of name and text: data, metrics, time, parameters, the activation at each site."""
    if result.resumed_after is not None:
        yield "resumed", f"after {result.resumed_after} epochs"
    elif result.config["resume"] == "auto":
        yield "resumed", "nothing: no unfinished run of this configuration"
    if result.reason:
        yield "reason", result.reason
    if result.data:
        yield "data", f"{result.data['samples']}, {result.data['task']}"
        for name in ("columns", "groups", "note"):  # of a data set of the user's
            if name in result.data:
                yield name, result.data[name]
    for split, words in _SPLITS.items():
        # The metric that the run is judged by, the loss, then what else there is.
        names = dict.fromkeys([f"{split}_{result.metric}", f"{split}_loss", *result.metrics])
        for name in (n for n in names if n.startswith(split) and n in result.metrics):
            metric = name.removeprefix(f"{split}_")
            yield f"{words} {metric}", _value(metric, result.metrics[name])
    per_step = 1000 * result.step_seconds
    length = f"{result.epochs} epochs, {result.steps} steps of {per_step:.2f} ms"
    early = ", stopped early" if result.stopped_early else ""
    yield "time", f"{result.seconds:.1f} s, {length}{early}"
    own = result.activation_parameters
    learned = f", {own:,} of them in activations" if own else ""
    yield "parameters", f"{result.parameters:,}{learned}"
    yield from _assignment(result)


def _value(metric: str, value: float) -> str:
    if math.isnan(value) and metric in UNDEFINED:
        return f"undefined: {UNDEFINED[metric]}"
    return in_short(value)


def _assignment(result: RunResult) -> Iterator[tuple[str, str]]:
    """Sites and their activation with what it learned; of many sites those with the same one in one
    row."""
    together: dict[str, list[str]] = {}
    for site, activation in result.assignment.items():
        alone = len(result.assignment) <= MAX_ROWS
        together.setdefault(site if alone else activation, []).append(site)
    for sites in together.values():
        name = sites[0] if len(sites) == 1 else f"{sites[0]} … ({len(sites)} sites)"
        learned = _learned([result.learned.get(site, {}) for site in sites])
        yield name, "; ".join([result.assignment[sites[0]], *learned])


def _learned(sites: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Each learned number of these sites, from its smallest to its largest channel; whole curves
    are in TensorBoard."""
    for name in dict.fromkeys(name for site in sites for name in site):
        values = np.concatenate([_numbers(site.get(name)) for site in sites])
        if values.size:
            low, high = (f"{end + 0.0:.2f}" for end in np.round((values.min(), values.max()), 2))
            span = low if low == high else f"{low} to {high}"
            yield f"{name.removeprefix('constants.')} {span}"


def _numbers(learned: Any) -> np.ndarray:
    """A number or one per channel, NaN for one that is not finite; of anything else none."""
    values = np.array([] if learned is None else learned, dtype=object)
    return np.atleast_1d(values).astype(float) if values.ndim < 2 else np.empty(0)
