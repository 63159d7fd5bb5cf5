"""Lightning's trainer from a run's settings."""

from pathlib import Path

import lightning.pytorch as pl
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import TensorBoardLogger

from activation_search.diagnostics.gradients import Gradients
from activation_search.diagnostics.learned import LearnedActivations
from activation_search.errors import UserError
from activation_search.training.config import TrainConfig
from activation_search.training.history import History
from activation_search.training.progress import ProgressBar
from activation_search.training.task import Classification

BEST, LAST = "best.ckpt", "last.ckpt"


def build_trainer(
    config: TrainConfig, directory: Path, history: History, task: Classification
) -> pl.Trainer:
    """The Lightning trainer of a run.

    Raises:
        UserError: settings that this machine, or each other, cannot have.
    """
    settings = config.trainer
    one_batch = 1 if settings.fast_dev_run else None
    try:
        trainer = pl.Trainer(
            accelerator=settings.accelerator,
            devices=1,
            precision=settings.precision,  # type: ignore[arg-type]
            logger=_logger(config, directory),
            callbacks=[history, *_callbacks(config, directory, task)],
            max_epochs=1 if settings.fast_dev_run else settings.max_epochs,
            max_steps=settings.max_steps,
            limit_train_batches=one_batch,
            limit_val_batches=one_batch if config.validates else 0,
            limit_test_batches=one_batch,
            accumulate_grad_batches=settings.accumulate_grad_batches,
            gradient_clip_val=config.optim.clip,
            log_every_n_steps=1,  # nothing is logged through Lightning; larger ones raise a warning
            num_sanity_val_steps=0,
            enable_checkpointing=settings.checkpoints,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(
            f"trainer.accelerator={settings.accelerator} with "
            f"trainer.precision={settings.precision} cannot run here: {error}"
        ) from error
    if settings.precision == "16-mixed" and trainer.strategy.root_device.type == "cpu":
        raise UserError("trainer.precision=16-mixed needs a GPU; on a CPU take bf16-mixed.")
    return trainer


def _logger(config: TrainConfig, directory: Path) -> TensorBoardLogger | bool:
    if not config.tensorboard.enabled:
        return False
    last, purge_step = directory / LAST, None
    if last.exists():
        # What an interrupted run wrote after its last checkpoint is hidden, and written again.
        purge_step = torch.load(last, weights_only=True, map_location="cpu")["global_step"]
    return TensorBoardLogger(
        directory, name="", version="", default_hp_metric=False, purge_step=purge_step
    )


def _callbacks(config: TrainConfig, directory: Path, task: Classification) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = []
    board = config.tensorboard
    if board.enabled:
        callbacks.append(Gradients(board.every_n_steps, board.histograms_every_n_epochs))
        callbacks.append(LearnedActivations())
    if config.trainer.progress:
        callbacks.append(ProgressBar())
    metric = f"val_{task.metric}"
    stopping = config.early_stopping
    if stopping.patience is not None:
        if not config.validates:
            raise UserError(
                "early_stopping.patience needs a validation split: data.validation=0.2."
            )
        # A loss that is not finite is for the history to judge.
        callbacks.append(
            EarlyStopping(
                metric, stopping.min_delta, stopping.patience, mode=task.mode, check_finite=False
            )
        )
    if config.trainer.checkpoints:
        callbacks.append(
            ModelCheckpoint(
                directory,
                filename=Path(BEST if config.validates else LAST).stem,
                monitor=metric if config.validates else None,
                mode=task.mode,
                save_last=config.validates,
                save_on_train_epoch_end=True,
                enable_version_counter=False,
            )
        )
    return callbacks
