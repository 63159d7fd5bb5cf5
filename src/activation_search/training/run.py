"""One training run from its configuration to its result. Knows nothing of Hydra.

from activation_search.training.run import train
result = train(config)
"""

import json
import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from omegaconf import OmegaConf

from activation_search.data import load_splits
from activation_search.data.batches import DataModule
from activation_search.diagnostics.learned import learned_parameters
from activation_search.diagnostics.overview import write_hparams, write_overview
from activation_search.diagnostics.writer import writer_of
from activation_search.settings import check
from activation_search.training import directory as run_directory
from activation_search.training.config import TrainConfig, from_dict
from activation_search.training.history import History
from activation_search.training.module import ActivationModule, to_hyperparameters
from activation_search.training.result import (
    DIVERGED,
    FAILED,
    FINISHED,
    STOPPED,
    RunResult,
    git_revision,
    versions,
)
from activation_search.training.trainer import BEST, LAST, build_trainer


class RunInterrupted(KeyboardInterrupt):
    """The user stopped a run; what it had computed is in its directory."""

    def __init__(self, result: RunResult):
        super().__init__(f"run {result.directory} was interrupted")
        self.result = result


def train(config: TrainConfig) -> RunResult:
    """Trains one model and writes its run directory.

    Everything is checked before the directory is made; from then on the run's state is in
    ``result.json``, however it ends. The global random generators are left as they were found.

    Args:
        config: the run. With ``resume=<path>`` that run's own configuration is used instead.

    Returns:
        The result; its status says whether the run finished or diverged.

    Raises:
        UserError: a setting, site or activation that is not valid, or a place that cannot be
            written.
        RunInterrupted: Ctrl-C or a termination signal; the run can be resumed.
    """
    began = time.perf_counter()
    config, directory = _resolve(config)
    with torch.random.fork_rng(), quiet():
        splits = load_splits(config.data.name, config.data.validation, config.seed)
        plain = to_hyperparameters(config, splits.sample, splits.classes)
        module = ActivationModule(**plain, mean=splits.mean, std=splits.std)
        data = DataModule(
            splits, config.data.batch_size, config.seed, config.trainer.overfit_batches
        )
        directory = directory or run_directory.create(config)
        history = History(config.tensorboard.every_n_steps)
        trainer = build_trainer(config, directory, history, module.task)
        result = _new_result(config, directory, module)
        result.write()
        try:
            _fit(trainer, module, data, directory)
            _conclude(config, result, trainer, module, data, history)
        except BaseException as error:
            result.status, result.reason = FAILED, f"{type(error).__name__}: {error}"
            if isinstance(error, KeyboardInterrupt):
                result.status, result.reason = STOPPED, "interrupted"
                raise RunInterrupted(result) from None
            raise
        finally:
            result.curve, result.training_seconds = history.curve, history.seconds
            result.epochs, result.steps = len(history.curve), trainer.global_step
            result.learned = learned_parameters(module.network)
            result.seconds = time.perf_counter() - began
            result.write()
    return result


def _resolve(config: TrainConfig) -> tuple[TrainConfig, Path | None]:
    """The configuration to run, checked, and the directory of the run that it goes on with."""
    check(config)
    if config.trainer.fast_dev_run:
        config = replace(config, group="debug")
    if config.resume == "auto":
        return config, run_directory.find_unfinished(config)
    if config.resume:
        unfinished = run_directory.open_unfinished(config.resume)
        return from_dict(unfinished.config), Path(config.resume)
    return config, None


def _new_result(config: TrainConfig, directory: Path, module: ActivationModule) -> RunResult:
    network = module.network
    OmegaConf.save(OmegaConf.create(config.as_dict()), directory / "config.yaml")
    return RunResult(
        directory=str(directory),
        config=config.as_dict(),
        seed=config.seed,
        versions=versions(),
        git=git_revision(),
        parameters=sum(p.numel() for p in network.parameters()),
        activation_parameters=sum(p.numel() for p in network.activations.parameters()),
        assignment={site: str(activation) for site, activation in network.assignment.items()},
    )


def _fit(trainer: pl.Trainer, module: ActivationModule, data: DataModule, directory: Path) -> None:
    last = directory / LAST
    if (writer := writer_of(trainer)) and not last.exists():
        write_overview(writer, module.network)
    try:
        trainer.fit(
            module,
            datamodule=data,
            ckpt_path=last if last.exists() else None,
            weights_only=True,
        )
    except SystemExit:
        # Lightning turns Ctrl-C and SIGTERM into this, and leaves Ctrl-C switched off.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        raise KeyboardInterrupt from None


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
    else:
        best = Path(result.directory) / BEST
        weights = best if stopper and best.exists() else None
        result.evaluated = "best" if weights else "last"
        # Those of the last epoch are at hand, unless a limit in steps cut it short.
        if config.validates and (weights or not result.metrics):
            result.metrics = _evaluate(trainer.validate, module, data, weights)
        if config.test:
            result.metrics |= _evaluate(trainer.test, module, data, weights)
        result.status = FINISHED
    if config.tensorboard.enabled:
        write_hparams(
            Path(result.directory),
            hparams(config, result),
            result.metrics,
            session_group=fingerprint({**config.identity(), "seed": None}),
            success=result.status == FINISHED,
        )


def _evaluate(
    loop: Callable[..., Any], module: ActivationModule, data: DataModule, weights: Path | None
) -> dict[str, float]:
    loop(module, datamodule=data, ckpt_path=weights, verbose=False, weights_only=True)
    return {name: value.item() for name, value in module.trainer.callback_metrics.items()}


def hparams(config: TrainConfig, result: RunResult) -> dict[str, float | int | str | bool]:
    """The columns of the HPARAMS tab."""
    return {
        "model": config.model.name,
        "data": config.data.name,
        "activation": config.activation_label,
        "lr": config.optim.lr,
        "optimizer": config.optim.optimizer,
        "schedule": config.optim.schedule,
        "weight_decay": config.optim.weight_decay,
        "batch_size": config.data.batch_size,
        "init": config.init,
        "seed": config.seed,
        "parameters": result.parameters,
        **{f"site/{site}": name for site, name in result.assignment.items()},
    }


def fingerprint(plain: dict[str, Any]) -> str:
    """A short name for a configuration: equal ones have the same."""
    return sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:12]


_NOT_NEWS = (
    "Checkpoint directory .* exists and is not empty",  # the run directory: it holds the result
    ".*does not have many workers",  # the benchmark's DataLoader; ours has none
    ".*could not find the monitored key",  # an epoch cut short by max_steps or by divergence
    ".*AMP with fp16 is not supported on CPU",  # refused by build_trainer, not replaced in silence
    r".*isinstance\(treespec, LeafSpec\)",  # Lightning 2.6 on torch 2.13
)


@contextmanager
def quiet() -> Iterator[None]:
    """Keeps Lightning's remarks out of the output, and warnings that do not apply here."""
    loggers = [logging.getLogger(name) for name in ("lightning.pytorch", "lightning.fabric")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            for message in _NOT_NEWS:
                warnings.filterwarnings("ignore", message)
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
