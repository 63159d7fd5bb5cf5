"""Lightning's trainer from a run's settings."""

from functools import cache
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers import Logger
from torch.utils.tensorboard import SummaryWriter

from activation_search.config.run import TrainConfig
from activation_search.diagnostics.histograms import Histograms
from activation_search.diagnostics.learned import LearnedActivations, learnable_sites
from activation_search.diagnostics.monitor import HealthMonitor
from activation_search.errors import UserError
from activation_search.training.checkpoint import BEST, LAST, WholeCheckpoints
from activation_search.training.criterion import Criterion
from activation_search.training.history import History
from activation_search.training.module import ActivationModule
from activation_search.training.own_parts import own_callbacks
from activation_search.training.profilers import build_profiler
from activation_search.training.progress import ProgressBar


@cache
def check_machine(accelerator: str, precision: Any) -> None:
    """Whether this machine has the accelerator and the precision.

    Raises:
        UserError: it has not.
    """
    try:
        trainer = pl.Trainer(
            accelerator=accelerator,
            devices=1,
            precision=precision,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    except (MisconfigurationException, ValueError) as error:
        raise UserError(
            f"trainer.accelerator={accelerator} with trainer.precision={precision} "
            f"cannot run here: {error}"
        ) from error
    if precision == "16-mixed" and trainer.strategy.root_device.type == "cpu":
        raise UserError("trainer.precision=16-mixed needs a GPU; on a CPU take bf16-mixed.")


def build_trainer(
    config: TrainConfig,
    directory: Path,
    history: History,
    health: HealthMonitor | None,
    writer: SummaryWriter | None,
    module: ActivationModule,
    loggers: list[Logger],
) -> pl.Trainer:
    """The trainer of a run that :func:`check_machine` let pass.

    Raises:
        MisconfigurationException: Lightning refuses a part of the user's own.
    """
    learns = bool(learnable_sites(module.network))
    settings = config.trainer
    one_batch = 1 if settings.fast_dev_run else None
    callbacks = [
        history,
        *([health] if health else []),
        *_callbacks(config, directory, writer, module.criterion, learns),
        *own_callbacks(config),
    ]
    return pl.Trainer(
        default_root_dir=directory,
        accelerator=settings.accelerator,
        devices=1,
        precision=settings.precision,  # type: ignore[arg-type]
        deterministic=settings.deterministic,
        profiler=build_profiler(settings.profiler, directory),
        plugins=[WholeCheckpoints()],
        logger=loggers or False,
        callbacks=callbacks,
        max_epochs=1 if settings.fast_dev_run else settings.max_epochs,
        limit_train_batches=one_batch,
        limit_val_batches=one_batch if config.validates else 0,
        limit_test_batches=one_batch,
        accumulate_grad_batches=settings.accumulate_grad_batches,
        gradient_clip_val=config.optim.clip,
        log_every_n_steps=1,  # by callbacks of the user's own; a larger one raises a warning
        num_sanity_val_steps=0,
        enable_checkpointing=any(isinstance(c, ModelCheckpoint) for c in callbacks),
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def open_writer(
    config: TrainConfig, directory: Path, resumed_step: int | None
) -> SummaryWriter | None:
    """The run's event writer; ``None`` where TensorBoard is off.

    Not through Lightning, whose logger flushes the file on every call.

    Args:
        config: the run.
        directory: where it writes to.
        resumed_step: the step that an interrupted run is resumed from. What it wrote later is
            hidden, and written again; the step itself stays, since an epoch's values are written
            before its checkpoint.
    """
    if not config.tensorboard.enabled:
        return None
    purge_step = None if resumed_step is None else resumed_step + 1
    return SummaryWriter(str(directory), purge_step=purge_step)


def _callbacks(
    config: TrainConfig,
    directory: Path,
    writer: SummaryWriter | None,
    criterion: Criterion,
    learns: bool,
) -> list[pl.Callback]:
    callbacks: list[pl.Callback] = []
    every_n_epochs = config.tensorboard.histograms_every_n_epochs
    if writer and every_n_epochs:
        callbacks.append(Histograms(writer, every_n_epochs))
    if writer and learns:
        callbacks.append(LearnedActivations(writer, every_n_epochs))
    if config.trainer.progress:
        callbacks.append(ProgressBar())
    metric = f"val_{criterion.metric}"
    stopping = config.early_stopping
    if stopping.patience is not None:
        # A loss that is not finite is for the history to judge.
        callbacks.append(
            EarlyStopping(
                metric,
                stopping.min_delta,
                stopping.patience,
                mode=criterion.mode,
                check_finite=False,
            )
        )
    if config.trainer.checkpoints:
        # Two of them: Lightning's save_last follows the best one and skips other epochs. The best
        # one first: what the last one holds of it is of the same epoch then, and a resumed run
        # knows the value that a better epoch must beat.
        if config.validates:
            callbacks.append(_checkpoint(directory, BEST, monitor=metric, mode=criterion.mode))
        callbacks.append(_checkpoint(directory, LAST))
    return callbacks


class Checkpoint(ModelCheckpoint):
    """Lightning's, for a run directory that was moved: it would forget what the best value was,
    and put a worse epoch in its place."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        def here(path: str) -> str:
            return str(Path(self.dirpath or "") / Path(path).name) if path else path

        keys = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {key: here(state_dict[key]) for key in keys}
        best = {here(path): value for path, value in state_dict["best_k_models"].items()}
        super().load_state_dict(
            {**state_dict, **moved, "best_k_models": best, "dirpath": self.dirpath}
        )


def _checkpoint(directory: Path, name: str, **best: str) -> Checkpoint:
    return Checkpoint(
        directory,
        filename=Path(name).stem,
        save_on_train_epoch_end=True,
        enable_version_counter=False,
        **best,  # type: ignore[arg-type]
    )
