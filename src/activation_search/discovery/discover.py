"""A search for new functions from its first formula to the evidence."""

import itertools
import math
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optuna.trial import FrozenTrial
from rich.progress import Progress

from activation_search.activations import Activation
from activation_search.activations.formula.expression import length
from activation_search.activations.formula.parse import parse
from activation_search.atomic import replacing
from activation_search.config.discover import DiscoverConfig
from activation_search.config.limits import check
from activation_search.config.optim import check_grid
from activation_search.config.run import TrainConfig, check_run
from activation_search.console import print_line, print_note
from activation_search.data.registry import load_source
from activation_search.discovery.driver import (
    FORMULA,
    NUMBER,
    ORIGIN,
    PARENTS,
    Driver,
    arm_of,
    with_activation,
)
from activation_search.discovery.evolution import Counts
from activation_search.discovery.finalists import confirm, run_finalists, transfer
from activation_search.discovery.found import Discovery, Formula
from activation_search.discovery.grammar import Grammar
from activation_search.discovery.known import Known, tune_known
from activation_search.discovery.relatives import comparable
from activation_search.engine.runner import Runner
from activation_search.engine.workers import job_run
from activation_search.errors import UserError
from activation_search.evidence.bases import base_on, names_in
from activation_search.models.factory import check_reads, pinned_sources, sites_on
from activation_search.models.sites import assign
from activation_search.search.drive import drive
from activation_search.search.sole_driver import SoleDriver
from activation_search.search.study import open_in, open_study, question, storage_errors
from activation_search.training.directory import check_name
from activation_search.training.own_parts import check_own_parts
from activation_search.training.task import criterion_of


def run_discover(config: DiscoverConfig, runner: Runner) -> Discovery:
    """Runs what is left of a search: formulas, finalists on further seeds, and the comparison with
    hand-made functions on seeds that nothing has seen.

    Args:
        config: the search's.
        runner: what trains the runs.

    Raises:
        UserError: a setting that is not valid, a search of that name that asks something else, or
            too many formulas that failed.
        TimeIsUp: runs of the finalists are left.
        MachineError: the machine failed; what is finished is kept.
        KeyboardInterrupt: Ctrl-C; likewise.
    """
    with storage_errors():
        return _run_discover(config, runner)


def _run_discover(config: DiscoverConfig, runner: Runner) -> Discovery:
    check(config)
    grammar = _grammar(config)
    if config.trainer.fast_dev_run:
        raise UserError("trainer.fast_dev_run=true has no loss to compare; use few epochs.")
    check_grid(config.optim, config.lr_grid)
    config = pinned_sources(config)
    check_own_parts(config)
    base = _base(config)
    check_run(base)
    if not base.validates:
        raise UserError("Formulas are judged on a validation split: data.validation=0.2.")
    source = load_source(base.data)
    check_reads(base.model.name, source.sample)
    print_note(source.origin, runner.console)
    hand_made = _hand_made(config)
    _check_sites(base, hand_made)
    elsewhere = _elsewhere(config, base, hand_made)
    for run in elsewhere:
        print_note(load_source(run.data).origin, runner.console)
    folder = (Path(config.logs) / base.group).parent
    storage, _ = open_in(folder, config.storage)
    # What decides the learning rate of all formulas is asked; else it may change.
    decisive = {"lr_grid": config.lr_grid, "hand_made": hand_made} if config.tune_lr else {}
    asked = question(config, **decisive)
    study = open_study(storage, folder.name, asked, "loss", "min")

    def note(text: str) -> None:
        print_line(runner.console, text)

    with SoleDriver(study, folder, note, shared=config.storage is not None) as alone:
        known = tune_known(hand_made, config.lr_grid, base, runner)
        if config.tune_lr:
            base = replace(base, optim=replace(base.optim, lr=known.learning_rate))
        note(
            f"the best hand-made function is {next(iter(known.runs))}, at a learning rate of "
            f"{known.learning_rate:g}; formulas are tried at {base.optim.lr:g}"
        )
        epochs = _epochs(base, len(source.x_train))
        driver = Driver(study, config, base, grammar, epochs)
        per_minute = _search(driver, runner, alone)
        return _concluded(driver, per_minute, known, config, base, elsewhere, runner, folder)


def _concluded(
    driver: Driver,
    per_minute: float | None,
    known: Known,
    config: DiscoverConfig,
    base: TrainConfig,
    elsewhere: Sequence[TrainConfig],
    runner: Runner,
    folder: Path,
) -> Discovery:
    """What was found, and where all formulas are tried, finalists and evidence."""
    counts: dict[str, Counts] = {}
    for arm, search in driver.arms.items():
        counts[arm.name] = counts.get(arm.name, Counts()) + search.counts
    tried = _formulas(driver.trials)
    found = Discovery(
        folder,
        criterion_of(base).metric,
        tried,
        counts,
        left=driver.left,
        notes=driver.notes,
        per_minute=per_minute,
    )
    with replacing(folder / "formulas.csv") as new:
        found.table.to_csv(new, index=False)
    if len(driver.errors) > config.max_failures:
        raise UserError(
            f"{len(driver.errors)} formulas failed, more than max_failures={config.max_failures}; "
            f"the last one: {driver.errors[-1]}"
        )
    if not found.left:
        found.finalists = run_finalists(found, known, config, base, runner)
        found.evidence = confirm(found, known, config, base, runner)
        try:
            for run in elsewhere:
                found.evidence.blocks.append(transfer(found, known, config, run, runner))
        except BaseException:
            if found.evidence.keeps_earlier(folder):
                found.write()  # what is known by now
            raise
        found.write()
    return found


def _grammar(config: DiscoverConfig) -> Grammar:
    if config.pieces == "all":
        return Grammar(units=config.units)
    if not isinstance(config.pieces, list) or not config.pieces:
        raise UserError(f"pieces must be all or a list of operators, not {config.pieces!r}.")
    return Grammar([str(piece) for piece in config.pieces], config.units)


def _epochs(base: TrainConfig, samples: int) -> int:
    """Of a whole training on so many samples, validation included."""
    trainer = base.trainer
    if trainer.max_steps is None:
        return trainer.max_epochs
    per_step = base.data.batch_size * trainer.accumulate_grad_batches
    steps = math.ceil(samples * (1 - base.data.validation) / per_step)
    return min(trainer.max_epochs, math.ceil(trainer.max_steps / steps))


def _base(config: DiscoverConfig) -> TrainConfig:
    """The run in which formulas are tried."""
    name = config.name or f"{config.model.label}-{config.data.label}"
    check_name(name)
    # Without the final test, whatever the command line says.
    return replace(job_run(config, f"discover/{name}/runs"), test=False)


def _check_sites(run: TrainConfig, hand_made: Sequence[str]) -> None:
    """Whether each function can stand where the formulas will."""
    sites = sites_on(run.model, run.data)
    for name in hand_made:
        assign(sites, with_activation(run, Activation.from_text(name)).activation)


def _elsewhere(
    config: DiscoverConfig, base: TrainConfig, hand_made: Sequence[str]
) -> list[TrainConfig]:
    """The run on every pair of a model and a data set, but for the search's own, on which the
    comparison is made again."""
    own = (config.model.name, config.data.option)
    models = dict.fromkeys([own[0], *names_in(config.transfer_models, "transfer_models")])
    datasets = dict.fromkeys([own[1], *names_in(config.transfer_datasets, "transfer_datasets")])
    group = str(Path(base.group).with_name("transfer"))
    found: list[TrainConfig] = []
    for model, data in itertools.product(models, datasets):
        if (model, data) == own:
            continue
        try:
            run = base_on(config, group, model, data)
            _check_sites(run, hand_made)
        except UserError as error:
            raise UserError(f"Transfer to {model} on {data}: {error}") from None
        found.append(run)
    return found


def _hand_made(config: DiscoverConfig) -> list[str]:
    if config.hand_made == "all":
        return comparable()
    if not isinstance(config.hand_made, list) or not config.hand_made:
        raise UserError(f"hand_made must be all or a list of names, not {config.hand_made!r}.")
    return [str(Activation.parse(given)) for given in config.hand_made]


def _search(driver: Driver, runner: Runner, alone: SoleDriver) -> float | None:
    """Trains what is left; returns how many formulas in a minute, ``None`` if none was left."""
    begun, before = time.monotonic(), len(driver.trials)
    with Progress(console=runner.console) as bar:
        task = bar.add_task("formulas", total=driver.left)
        drive(driver, runner, alone, lambda: bar.advance(task))
    trained = len(driver.trials) - before
    return 60 * trained / (time.monotonic() - begun) if trained else None


def _formulas(trials: Sequence[FrozenTrial]) -> list[Formula]:
    found = []
    for trial in trials:
        attrs = trial.user_attrs
        arm = arm_of(trial)
        finite = trial.value is not None and math.isfinite(trial.value)
        found.append(
            Formula(
                attrs[FORMULA],
                arm.name,
                arm.repetition,
                attrs[NUMBER],
                tuple(attrs[PARENTS]),
                attrs[ORIGIN],
                length(parse(attrs[FORMULA])),
                trial.value if finite else None,
                attrs.get("status", "failed"),
            )
        )
    return found
