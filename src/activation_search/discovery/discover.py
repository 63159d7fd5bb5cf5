"""A search for new functions from its first formula to the evidence."""

import math
from dataclasses import replace
from pathlib import Path

import optuna
from optuna.trial import TrialState
from rich.progress import Progress

from activation_search.activations import Activation
from activation_search.activations.formula.expression import length
from activation_search.activations.formula.parse import parse
from activation_search.config.discover import DiscoverConfig
from activation_search.config.limits import check
from activation_search.config.run import TrainConfig, check_run
from activation_search.console import print_line, print_note
from activation_search.data.registry import load_source
from activation_search.discovery.driver import (
    ARM,
    FORMULA,
    NUMBER,
    ORIGIN,
    PARENTS,
    Driver,
    with_activation,
)
from activation_search.discovery.finalists import confirm, run_finalists
from activation_search.discovery.found import Discovery, Formula
from activation_search.discovery.relatives import comparable
from activation_search.engine.runner import Runner
from activation_search.engine.workers import threads_per_job
from activation_search.errors import UserError
from activation_search.models.factory import check_reads, pinned_sources, sites_of
from activation_search.models.sites import assign
from activation_search.search.sole_driver import SoleDriver
from activation_search.search.study import open_storage, open_study, question
from activation_search.training.directory import check_name
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
    check(config)
    config = pinned_sources(config)
    base = _base(config)
    check_run(base)
    if not base.validates:
        raise UserError("Formulas are judged on a validation split: data.validation=0.2.")
    source = load_source(base.data)
    check_reads(base.model.name, source.sample)
    print_note(source.origin, runner.console)
    hand_made = _hand_made(config)
    sites = sites_of(base.model, source.sample, source.target.size)
    for name in hand_made:
        assign(sites, with_activation(base, Activation.from_text(name)).activation)
    folder = (Path(config.logs) / base.group).parent
    url = config.storage or f"journal://{folder.absolute()}/journal.log"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    storage = open_storage(url)
    folder.mkdir(parents=True, exist_ok=True)
    study = open_study(storage, folder.name, question(config), "loss", "min")

    def note(text: str) -> None:
        print_line(runner.console, text)

    with SoleDriver(study, folder, note, shared=config.storage is not None) as alone:
        driver = Driver(study, config, base)
        _search(driver, runner, alone)
    counts = {name: arm.counts for name, arm in driver.arms.items()}
    tried = _formulas(driver.study)
    found = Discovery(folder, criterion_of(base).metric, tried, counts, left=driver.left)
    found.table.to_csv(folder / "formulas.csv", index=False)
    if len(driver.errors) > config.max_failures:
        raise UserError(
            f"{len(driver.errors)} formulas failed, more than max_failures={config.max_failures}; "
            f"the last one: {driver.errors[-1]}"
        )
    if not found.left:
        found.finalists = run_finalists(found, hand_made, config, base, runner)
        found.evidence = confirm(found, config, base, runner)
        found.evidence.write(folder)
    return found


def _base(config: DiscoverConfig) -> TrainConfig:
    """The run in which formulas are tried."""
    name = config.name or f"{config.model.label}-{config.data.label}"
    check_name(name)
    return replace(
        config.as_run(),
        trainer=replace(config.trainer, progress=False, threads=threads_per_job(config)),
        group=f"discover/{name}/runs",
        test=False,  # whatever the command line says
        resume=None,
    )


def _hand_made(config: DiscoverConfig) -> list[str]:
    if config.hand_made == "all":
        return comparable()
    if not isinstance(config.hand_made, list) or not config.hand_made:
        raise UserError(f"hand_made must be all or a list of names, not {config.hand_made!r}.")
    return [str(Activation.parse(given)) for given in config.hand_made]


def _search(driver: Driver, runner: Runner, alone: SoleDriver) -> None:
    def keep() -> None:
        if driver.unwritten:
            alone.check()
            driver.keep()
        alone.beat()

    with Progress(console=runner.console) as bar:
        task = bar.add_task("formulas", total=driver.left)
        try:
            for asked, future in runner.as_completed(driver.work(), keep):
                driver.tell(asked, future)
                bar.advance(task)
        finally:
            keep()


def _formulas(study: optuna.Study) -> list[Formula]:
    found = []
    for trial in study.get_trials(deepcopy=False):
        attrs = trial.user_attrs
        if trial.state is TrialState.RUNNING:
            continue
        finite = trial.value is not None and math.isfinite(trial.value)
        found.append(
            Formula(
                attrs[FORMULA],
                attrs[ARM],
                attrs[NUMBER],
                tuple(attrs[PARENTS]),
                attrs[ORIGIN],
                length(parse(attrs[FORMULA])),
                trial.value if finite else None,
                attrs.get("status", "failed"),
            )
        )
    return found
