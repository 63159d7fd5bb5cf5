"""The end of a search for formulas: further seeds for the best, and a comparison with hand-made
functions on seeds that nothing has seen."""

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from activation_search.activations.formula.parse import parse
from activation_search.config.discover import DiscoverConfig
from activation_search.config.overrides import command_of
from activation_search.config.run import TrainConfig
from activation_search.console import command_line
from activation_search.discovery.driver import LOSS, formula_run
from activation_search.discovery.found import Discovery, Finalist
from activation_search.discovery.known import Known, best_metric, rates_group, tune_known
from activation_search.engine.runner import Runner
from activation_search.engine.runs import run_all
from activation_search.evidence.compare import FRESH_SEED, compare_runs, tune
from activation_search.evidence.results import Block, Evidence
from activation_search.training.result import FINISHED, RunResult, versions
from activation_search.training.task import criterion_of


def run_finalists(
    found: Discovery,
    known: Known,
    config: DiscoverConfig,
    base: TrainConfig,
    runner: Runner,
) -> list[Finalist]:
    """The best formulas, and as many hand-made functions, on seeds that chose none of them."""
    tried = [formula for formula in found.formulas if formula.status == FINISHED]
    best = sorted(tried, key=lambda f: math.inf if f.loss is None else f.loss)
    # Arms and repetitions may have found the same ones.
    chosen = list(dict.fromkeys(formula.text for formula in best))[: config.finalists]
    arms = {text: formula_run(base, parse(text)) for text in chosen}
    arms |= dict(list(known.runs.items())[: config.finalists])
    seeds = range(config.seed + 1, config.seed + 1 + config.finalist_seeds)
    group = str(Path(base.group).with_name("finalists"))
    runs = {
        (label, seed): replace(run, seed=seed, group=group)
        for label, run in arms.items()
        for seed in seeds
    }
    results = run_all(runs, runner, "finalists")
    finalists = []
    for label, run in arms.items():
        own = [results[label, seed] for seed in seeds]
        # A run that diverged has the metrics of no epoch that counts.
        sound = [r.metrics if r.status == FINISHED else {} for r in own]
        finalists.append(
            Finalist(
                label,
                [metrics.get(LOSS, math.inf) for metrics in sound],
                [metrics.get(f"val_{found.metric}", math.nan) for metrics in sound],
                run.optim.lr,
                label not in chosen,
                learned_constants(own, str(run.activation.whole)),
                command_of(run, list(seeds)),
            )
        )
    # By what the comparison judges by: a smaller loss may come with fewer right answers.
    sign = criterion_of(base).sign

    def merit(finalist: Finalist) -> tuple[bool, float]:
        return not math.isnan(finalist.metric), sign * finalist.metric

    return sorted(finalists, key=merit, reverse=True)


def learned_constants(results: Sequence[RunResult], activation: str) -> dict[str, float]:
    """What a formula's constants became: the mean over runs that finished, over the sites that have
    that activation, and over channels."""
    values: Mapping[str, list[float]] = defaultdict(list)
    for result in results:
        for site, learned in result.learned.items():
            if result.status != FINISHED or result.assignment[site] != activation:
                continue
            for name, per_channel in learned.items():
                if name.startswith("constants."):
                    values[name.removeprefix("constants.")] += per_channel
    return {name: statistics.fmean(found) for name, found in values.items()}


def confirm(
    found: Discovery, known: Known, config: DiscoverConfig, base: TrainConfig, runner: Runner
) -> Evidence:
    """The best formulas against the best hand-made functions, each at its best learning rate."""
    hand_made = [f.label for f in found.finalists if f.hand_made][: config.confirm]
    run = replace(base, group=str(Path(base.group).with_name("confirm")))
    block = _compared(found, hand_made, known, config, run, runner)
    for finalist in _best(found, config):
        arm = block.arms[finalist.label]
        seen = [value for value in arm.validation if value is not None]
        finalist.confirmed = statistics.fmean(seen) if seen else None
        trained = formula_run(base, parse(finalist.label))
        trained = replace(trained, optim=replace(trained.optim, lr=arm.lr))
        finalist.command = command_of(trained, block.seeds)
    return Evidence([block], {}, command_line(), versions(), len(found.formulas))


def transfer(
    found: Discovery, known: Known, config: DiscoverConfig, base: TrainConfig, runner: Runner
) -> Block:
    """The same formulas on another model or other data, against the hand-made functions that are
    best there; each at the learning rate that is its best there."""
    there = tune_known(list(known.runs), config.lr_grid, base, runner)
    return _compared(found, list(there.runs)[: config.confirm], there, config, base, runner)


def _best(found: Discovery, config: DiscoverConfig) -> list[Finalist]:
    return [finalist for finalist in found.finalists if not finalist.hand_made][: config.confirm]


def _compared(
    found: Discovery,
    hand_made: Sequence[str],
    known: Known,
    config: DiscoverConfig,
    base: TrainConfig,
    runner: Runner,
) -> Block:
    """The best formulas and these hand-made functions on fresh seeds, as ``base`` is trained."""
    run = replace(base, group=rates_group(base))
    formulas = {f.label: formula_run(run, parse(f.label)) for f in _best(found, config)}
    tuned, rates = tune(formulas, config.lr_grid, runner)
    tuned |= {label: known.runs[label] for label in hand_made}
    rates |= {label: known.rates[label] for label in hand_made}
    tuned = {label: replace(run, group=base.group) for label, run in tuned.items()}
    baseline = max(hand_made, key=lambda label: best_metric(rates[label], base))
    seeds = range(FRESH_SEED + config.seed, FRESH_SEED + config.seed + config.confirm_seeds)
    return compare_runs(tuned, baseline, seeds, runner, rates)
