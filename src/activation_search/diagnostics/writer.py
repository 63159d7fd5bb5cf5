"""Access to TensorBoard, past Lightning's logging, which flushes the event file on every call."""

import lightning.pytorch as pl
from lightning.pytorch.loggers import TensorBoardLogger
from torch.utils.tensorboard import SummaryWriter


def writer_of(trainer: pl.Trainer) -> SummaryWriter | None:
    """The run's event writer; none where TensorBoard is off."""
    logger = trainer.logger
    return logger.experiment if isinstance(logger, TensorBoardLogger) else None
