"""What ends a run before its last epoch: divergence, and a limit in steps."""

import math

import lightning.pytorch as pl


class StopRules:
    """Notices a loss that is not finite, and the last step that is allowed.

    Attributes:
        diverged: why training was stopped; ``None`` while all losses are finite.

    Args:
        max_steps: after which training stops, in the middle of an epoch if need be; ``None`` for no
            limit. (Lightning's own limit miscounts epochs when a run is resumed.)
    """

    def __init__(self, max_steps: int | None):
        self.max_steps = max_steps
        self.diverged: str | None = None

    def check_loss(self, trainer: pl.Trainer, what: str, value: float) -> None:
        """Stops a run whose loss is NaN or infinite."""
        if not math.isfinite(value) and not self.diverged:
            self.diverged = f"{what} is {value} at step {trainer.global_step}"
            trainer.should_stop = True

    def check_steps(self, trainer: pl.Trainer) -> None:
        """Stops a run at its last step."""
        if self.max_steps and trainer.global_step >= self.max_steps:
            trainer.should_stop = True

    def check_start(self, trainer: pl.Trainer) -> None:
        """A run that was interrupted after its last step has nothing left to train."""
        if any(stopper.stopped_epoch > 0 for stopper in trainer.early_stopping_callbacks):
            trainer.should_stop = True
        self.check_steps(trainer)
