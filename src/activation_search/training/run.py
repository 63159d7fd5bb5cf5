"""One training run from its configuration to its result. Knows nothing of Hydra.

from activation_search.training.run import train
result = train(config)
"""

import json
import math
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
import yaml
from torch.utils.tensorboard import SummaryWriter

from activation_search.atomic import discard_unfinished, write_text
from activation_search.config.run import TrainConfig, check_run
from activation_search.data.batches import DataModule
from activation_search.data.registry import load_splits, pinned
from activation_search.data.sample import ASKED
from activation_search.data.splits import Splits
from activation_search.diagnostics.alarm_rules import Watch
from activation_search.diagnostics.alarms import Alarm
from activation_search.diagnostics.learned import learned_parameters
from activation_search.diagnostics.monitor import Health
from activation_search.diagnostics.tensorboard import write_generated, write_hparams, write_overview
from activation_search.errors import machine_error
from activation_search.training import directory as run_directory
from activation_search.training.checkpoint import BEST, latest_checkpoint
from activation_search.training.history import History, Row
from activation_search.training.lightning_warnings import quiet
from activation_search.training.module import ActivationModule, to_hyperparameters
from activation_search.training.result import (
    DIVERGED,
    FAILED,
    FINISHED,
    PRUNED,
    STOPPED,
    RunResult,
    git_revision,
    read_result,
    versions,
)
from activation_search.training.trainer import build_trainer, check_machine, open_writer
from activation_search.user_code import check_trusted

# Characters that a model of text is given, and writes at the end of its run.
OPENING, GENERATED = 20, 400


class RunInterrupted(KeyboardInterrupt):
    """The user stopped a run; what it had computed is in its directory."""

    def __init__(self, result: RunResult):
        super().__init__(f"run {result.directory} was interrupted")
        self.result = result


def train(config: TrainConfig, on_epoch: Callable[[Row], bool] | None = None) -> RunResult:
    """Trains one model and writes its run directory.

    Everything is checked before the directory is made; from then on the run's state is in
    ``result.json``, however it ends. The global random generators are left as they were found.

    Args:
        config: the run. With ``resume=<path>`` that run's own configuration is used instead.
        on_epoch: called after each epoch with its row of the curve; true prunes the run.

    Returns:
        The result; its status says whether the run finished, diverged, or was pruned.

    Raises:
        UserError: a setting, site or activation that is not valid, or a place that cannot be
            written.
        RunInterrupted: Ctrl-C or a termination signal; the run can be resumed.
    """
    began = time.perf_counter()
    config, earlier = _resolve(config)
    with _own_random_numbers(), _threads(config.trainer.threads), quiet():
        check_machine(config.trainer.accelerator, config.trainer.precision)
        splits = load_splits(config.data, config.seed)
        plain = to_hyperparameters(config, splits.sample, splits.target)
        module = ActivationModule(
            **plain,
            mean=splits.mean,
            std=splits.std,
            target_mean=splits.target_mean,
            target_std=splits.target_std,
        )
        data = DataModule(
            splits,
            config.data.batch_size,
            config.seed,
            config.trainer.overfit_batches,
            config.data.augment,
        )
        directory = Path(earlier.directory) if earlier else run_directory.create(config)
        with run_directory.hold(directory):
            discard_unfinished(directory)
            resumed = latest_checkpoint(directory) if earlier else None
            curve = resumed.curve if resumed else []
            result = _new_result(config, directory, module, len(curve) if earlier else None)
            asked = ASKED[splits.target.kind]
            result.data = {"samples": str(splits.sample), "task": asked, **splits.origin}
            writer = open_writer(config, directory, resumed.step if resumed else None)
            board = config.tensorboard
            history = History(
                config.trainer.max_steps, board.every_n_steps, writer, on_epoch, curve
            )
            health = _health(config, module, writer)
            trainer = build_trainer(config, directory, history, health, writer, module)
            result.write()
            try:
                if writer and not earlier:
                    write_overview(writer, module.network)
                path = resumed.path if resumed else None
                trainer.fit(module, datamodule=data, ckpt_path=path, weights_only=True)
                _conclude(config, result, trainer, module, data, history)
                writes = module.target.kind == "next" and board.histograms_every_n_epochs > 0
                if writer and writes and result.status == FINISHED:
                    write_generated(writer, module.generate(_opening(splits), GENERATED))
            except BaseException as error:
                failed = machine_error(error) if isinstance(error, OSError) else None
                reason = str(failed or f"{type(error).__name__}: {error}")
                result.status, result.reason = FAILED, reason
                # Lightning turns Ctrl-C and SIGTERM into SystemExit.
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    signal.signal(signal.SIGINT, signal.default_int_handler)  # it is left off
                    result.status, result.reason = STOPPED, "interrupted"
                    raise RunInterrupted(result) from None
                raise
            finally:
                last = history.curve[-1] if history.curve else {"step": 0}
                result.curve, result.training_seconds = history.curve, history.seconds
                result.epochs = len(history.curve)
                result.steps = max(trainer.global_step, int(last["step"]))
                result.learned = learned_parameters(module.network)
                if health:
                    result.alarms = [alarm.as_dict() for alarm in health.alarms]
                    result.health = {site: h.as_dict() for site, h in health.sites.items()}
                elif earlier:
                    result.alarms = earlier.alarms
                result.device = str(trainer.strategy.root_device)
                result.seconds = time.perf_counter() - began
                with ExitStack() as both:  # the second too where the first fails
                    both.callback(result.write)
                    if writer:
                        both.callback(writer.close)
    return result


def _opening(splits: Splits) -> str:
    """The first characters of the test part."""
    return "".join(splits.target.names[token] for token in splits.test.x[0][:OPENING])


def _resolve(config: TrainConfig) -> tuple[TrainConfig, RunResult | None]:
    """The configuration to run, checked, and the interrupted run that it goes on with."""
    check_run(config)
    config = replace(config, data=pinned(config.data))
    if config.trainer.fast_dev_run:
        config = replace(config, group="debug")
    if config.resume == "auto":
        directory = run_directory.find_unfinished(config)
        return config, read_result(directory) if directory else None
    if config.resume:
        earlier = run_directory.open_unfinished(config.resume)
        resumed = earlier.parsed_config().shown_as(config)
        check_trusted(resumed.import_paths(), f"The run in {config.resume}", config.trust)
        return resumed, earlier
    return config, None


def _new_result(
    config: TrainConfig, directory: Path, module: ActivationModule, resumed_after: int | None
) -> RunResult:
    network = module.network
    text = yaml.dump(config.as_dict(), Dumper=yaml.CSafeDumper, sort_keys=False)
    write_text(directory / "config.yaml", text)
    return RunResult(
        directory=str(directory),
        config=config.as_dict(),
        seed=config.seed,
        metric=module.task.metric,
        resumed_after=resumed_after,
        versions=versions(),
        git=git_revision(),
        parameters=sum(p.numel() for p in network.parameters()),
        activation_parameters=sum(p.numel() for p in network.activations.parameters()),
        assignment=network.assignment_text,
    )


def _health(
    config: TrainConfig, module: ActivationModule, writer: SummaryWriter | None
) -> Health | None:
    if not config.health.enabled:
        return None
    every = (config.tensorboard.every_n_steps, config.health.every_n_steps)
    # A progress bar puts what is printed above itself; without one the summary is the place.
    watch = Watch(config.as_dict(), module.network.assignment_text)
    return Health(watch, writer, *every, tell=_tell if config.trainer.progress else None)


def _tell(alarm: Alarm) -> None:
    print(f"alarm: {alarm}; try {'  '.join(alarm.remedies[:3])}")


def _conclude(
    config: TrainConfig,
    result: RunResult,
    trainer: pl.Trainer,
    module: ActivationModule,
    data: DataModule,
    history: History,
) -> None:
    """Final metrics, the status, and the row in TensorBoard's HPARAMS tab."""
    last = history.curve[-1] if history.curve else {}
    result.metrics = {k: v for k, v in last.items() if k.startswith("val_")}
    stopper = trainer.early_stopping_callback
    result.stopped_early = stopper is not None and stopper.stopped_epoch > 0
    if history.diverged:
        result.status, result.reason = DIVERGED, history.diverged
    elif history.pruned:
        result.status = PRUNED
    else:
        best = Path(result.directory) / BEST
        if stopper:
            # From the curve, so that a study, which keeps no weights, has the same numbers.
            row = _best_row(history.curve, f"val_{module.task.metric}", module.task.mode)
            result.metrics = {k: v for k, v in row.items() if k.startswith("val_")}
            result.evaluated = "best"
            if best.exists():
                # By hand: Lightning would also restore the callbacks, and with them the curve.
                stored = torch.load(best, weights_only=True, map_location=module.device)
                module.load_state_dict(stored["state_dict"])
        if config.test:
            result.metrics |= _evaluate(trainer.test, module, data)
        result.status = FINISHED
        for name, value in result.metrics.items():
            # Other metrics may be undefined on a split, or overflow, where the loss does not.
            if name.endswith("_loss") and not math.isfinite(value):
                result.status, result.reason = DIVERGED, f"final {name} is {value}"
    if config.tensorboard.enabled:
        write_hparams(
            Path(result.directory),
            hparams(config, result),
            result.metrics,
            session_group=fingerprint(
                {**config.identity(), "seed": None, "activation": result.assignment}
            ),
            success=result.status == FINISHED,
        )


def _best_row(curve: list[Row], metric: str, mode: str) -> Row:
    """The first of the best epochs, whose weights best.ckpt keeps."""
    sign = 1 if mode == "max" else -1
    return max(curve, key=lambda row: sign * row.get(metric, -sign * math.inf))


def _evaluate(
    loop: Callable[..., Any], module: ActivationModule, data: DataModule
) -> dict[str, float]:
    loop(module, datamodule=data, verbose=False)
    return {name: value.item() for name, value in module.trainer.callback_metrics.items()}


def hparams(config: TrainConfig, result: RunResult) -> dict[str, float | int | str | bool]:
    """The columns of the HPARAMS tab."""
    return {
        "model": config.model.name,
        "data": config.data.label,
        "activation": ", ".join(dict.fromkeys(result.assignment.values())),
        "lr": config.optim.lr,
        "optimizer": config.optim.optimizer,
        "schedule": config.optim.schedule,
        "weight_decay": config.optim.weight_decay,
        "batch_size": config.data.batch_size,
        "init": config.init,
        "seed": config.seed,
        "parameters": result.parameters,
        **{
            f"model/{key}": value
            for key, value in asdict(config.model).items()
            if key != "name" and value is not None
        },
        **{f"site/{site}": name for site, name in result.assignment.items()},
    }


def fingerprint(plain: dict[str, Any]) -> str:
    """A short name for a configuration: equal ones have the same."""
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


@contextmanager
def _own_random_numbers() -> Iterator[None]:
    """Leaves torch's global generators as they were, on the CPU and the device that is used."""
    with torch.random.fork_rng(devices=[0] if torch.cuda.is_available() else []):
        yield


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Torch on ``count`` threads; none leaves it as it is."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)
