"""A run while it is trained: what belongs together between its beginning and its end."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import lightning.pytorch as pl
import yaml
from lightning.pytorch.loggers import Logger
from torch.utils.tensorboard import SummaryWriter

from activation_search.atomic import write_text
from activation_search.config.run import TrainConfig
from activation_search.data.batches import DataModule
from activation_search.data.class_weights import class_weights
from activation_search.data.sample import TASK_TEXT
from activation_search.data.splits import Splits
from activation_search.diagnostics.alarm_rules import AlarmRules
from activation_search.diagnostics.alarms import Alarm
from activation_search.diagnostics.confusion import draw_confusion
from activation_search.diagnostics.learned import learned_parameters
from activation_search.diagnostics.monitor import HealthMonitor
from activation_search.diagnostics.tensorboard import write_generated, write_overview
from activation_search.errors import machine_error
from activation_search.models.factory import check_target
from activation_search.passwords import without_passwords
from activation_search.training.checkpoint import Resumed, latest_checkpoint
from activation_search.training.criterion import check_defined
from activation_search.training.history import EpochRow, History
from activation_search.training.module import ActivationModule, to_hyperparameters
from activation_search.training.own_parts import own_loggers
from activation_search.training.result import (
    FAILED,
    FINISHED,
    RunResult,
    git_revision,
    versions,
)
from activation_search.training.stop import StopRules
from activation_search.training.tracking.trackers import Trackers, open_trackers
from activation_search.training.trainer import build_trainer, open_writer

# Characters that a model of text is given, and writes at the end of its run.
OPENING, GENERATED = 20, 400


def build_module(config: TrainConfig, splits: Splits) -> ActivationModule:
    """The LightningModule of a run, its weights drawn.

    Raises:
        UserError: see :func:`build_network`; or a metric or weights of classes that do not fit the
            data.
    """
    check_target(config.model, splits.sample, splits.target)
    module = ActivationModule(
        **to_hyperparameters(config, splits.sample, splits.target, splits.columns),
        mean=splits.mean,
        std=splits.std,
        target_mean=splits.target_mean,
        target_std=splits.target_std,
        class_weights=class_weights(config.data.class_weights, splits.target, splits.train),
    )
    check_defined(module.criterion, splits)
    return module


@dataclass
class Session:
    """A run between its beginning and its end.

    Attributes:
        config: the run's.
        module, data: what is trained, and on what.
        result: what will be written.
        history: the curve.
        health: readings and alarms; ``None`` where they are off.
        writer: of TensorBoard; ``None`` where it is off.
        trainer: Lightning's.
        resumed: the checkpoint to begin from, if any.
        trackers: what follows the run beside TensorBoard.
    """

    config: TrainConfig
    module: ActivationModule
    data: DataModule
    result: RunResult
    history: History
    health: HealthMonitor | None
    writer: SummaryWriter | None
    trainer: pl.Trainer
    resumed: Resumed | None
    trackers: Trackers

    def fit(self) -> None:
        """Trains, from the checkpoint of an interrupted run where there is one."""
        if self.writer and self.result.resumed_after is None:
            write_overview(self.writer, self.module.network)
        path = self.resumed.path if self.resumed else None
        self.trainer.fit(self.module, datamodule=self.data, ckpt_path=path, weights_only=True)

    def write_sample(self) -> None:
        """A model of text writes some into TensorBoard."""
        board, target = self.config.tensorboard, self.module.target
        finished = self.result.status == FINISHED
        if self.writer and finished and target.kind == "next" and board.histograms_every_n_epochs:
            opening = "".join(target.names[token] for token in self.data.splits.test.x[0][:OPENING])
            write_generated(self.writer, self.module.generate(opening, GENERATED))

    def write_confusion(self) -> None:
        """What a classifier takes for what, as a picture in TensorBoard."""
        found = self.result.confusion
        if self.writer and found and self.config.tensorboard.histograms_every_n_epochs:
            figure = draw_confusion(found["counts"], found["names"], f"{found['split']} split")
            self.writer.add_figure(f"confusion/{found['split']}", figure, self.trainer.global_step)

    def fail(self, error: BaseException) -> None:
        """Notes why the run ended."""
        failed = machine_error(error) if isinstance(error, OSError) else None
        reason = str(failed or f"{type(error).__name__}: {error}")
        self.result.status, self.result.reason = FAILED, without_passwords(reason)

    def record(self, seconds: float) -> None:
        """Writes the result as far as it has come, and closes TensorBoard's file and trackers."""
        result, history = self.result, self.history
        last = history.curve[-1] if history.curve else {"step": 0}
        result.curve, result.training_seconds = history.curve, history.seconds_so_far
        result.epochs = len(history.curve)
        result.steps = max(self.trainer.global_step, int(last["step"]))
        result.learned = learned_parameters(self.module.network)
        if self.health:
            result.alarms = [alarm.as_dict() for alarm in self.health.alarms]
            result.health = {site: h.as_dict() for site, h in self.health.sites.items()}
        result.device = str(self.trainer.strategy.root_device)
        result.seconds = seconds
        with ExitStack() as all_of_it:  # the last one first, and each where another one fails
            all_of_it.callback(self.trackers.end, result)
            all_of_it.callback(result.write)
            if self.writer:
                all_of_it.callback(self.writer.close)


def begin(
    config: TrainConfig,
    module: ActivationModule,
    splits: Splits,
    directory: Path,
    earlier: RunResult | None,
    on_epoch: Callable[[EpochRow], bool] | None,
) -> Session:
    """A session in its run directory, whose first ``result.json`` is written.

    Args:
        config: the run's.
        module: what is trained.
        splits: on what.
        directory: of the run.
        earlier: the result of the interrupted run that it resumes, if any.
        on_epoch: see :func:`activation_search.training.run.train`.

    Raises:
        UserError: a logger or tracker cannot begin, or Lightning refuses a callback.
    """
    loggers = own_loggers(config, directory)
    trackers = open_trackers(config, directory, loggers)
    try:
        return _begin(config, module, splits, directory, earlier, on_epoch, loggers, trackers)
    except BaseException:
        trackers.end(RunResult(str(directory), {}, status=FAILED))
        raise


def _begin(
    config: TrainConfig,
    module: ActivationModule,
    splits: Splits,
    directory: Path,
    earlier: RunResult | None,
    on_epoch: Callable[[EpochRow], bool] | None,
    loggers: list[Logger],
    trackers: Trackers,
) -> Session:
    resumed = latest_checkpoint(directory) if earlier else None
    curve = resumed.curve if resumed else []
    result = _new_result(config, directory, module, len(curve) if earlier else None)
    if earlier:
        result.alarms = earlier.alarms
    result.data = {
        "samples": str(splits.sample),
        "task": TASK_TEXT[splits.target.kind],
        **splits.origin,
    }
    writer = open_writer(config, directory, resumed.step if resumed else None)
    trainer_config, board = config.trainer, config.tensorboard
    stop = StopRules(trainer_config.max_steps)
    history = History(stop, board.every_n_steps, writer, on_epoch, curve, trackers.epoch)
    health = _health(config, module, writer)
    trainer = build_trainer(config, directory, history, health, writer, module, loggers)
    data = DataModule(
        splits,
        config.data.batch_size,
        config.seed,
        trainer_config.overfit_batches,
        config.data.augment,
    )
    result.write()
    return Session(
        config, module, data, result, history, health, writer, trainer, resumed, trackers
    )


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
        metric=module.criterion.metric,
        resumed_after=resumed_after,
        versions=versions(),
        git=git_revision(),
        parameters=sum(p.numel() for p in network.parameters()),
        activation_parameters=sum(p.numel() for p in network.activations.parameters()),
        assignment=network.assignment_text,
    )


def _health(
    config: TrainConfig, module: ActivationModule, writer: SummaryWriter | None
) -> HealthMonitor | None:
    if not config.health.enabled:
        return None
    every = (config.tensorboard.every_n_steps, config.health.every_n_steps)
    # A progress bar puts what is printed above itself; without one the summary is the place.
    watch = AlarmRules(config.as_dict(), module.network.assignment_text)
    return HealthMonitor(watch, writer, *every, tell=_tell if config.trainer.progress else None)


def _tell(alarm: Alarm) -> None:
    print(f"alarm: {alarm}; try {'  '.join(alarm.remedies[:3])}")
