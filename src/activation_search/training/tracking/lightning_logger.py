"""A Lightning logger that the user named, fed with what TensorBoard gets once per epoch."""

from lightning.pytorch.loggers import Logger

from activation_search.config.run import TrainConfig
from activation_search.training.history import EpochRow
from activation_search.training.result import FINISHED, RunResult


class LightningLogger:
    """The configuration at the beginning, each row of the curve, the final metrics as ``final/…``.

    Args:
        logger: Lightning's; callbacks that log reach it through the trainer.
        config: the run's.
    """

    def __init__(self, logger: Logger, config: TrainConfig):
        self.logger = logger
        logger.log_hyperparams(config.as_dict())

    def epoch(self, curve: list[EpochRow]) -> None:
        """By the step that ended it."""
        row = curve[-1]
        values = {name: value for name, value in row.items() if name not in ("epoch", "step")}
        self.logger.log_metrics(values, int(row["step"]))

    def end(self, result: RunResult) -> None:
        """Closes the logger."""
        final = {f"final/{name}": value for name, value in result.metrics.items()}
        self.logger.log_metrics(final, result.steps)
        self.logger.save()
        self.logger.finalize("success" if result.status == FINISHED else "failed")
