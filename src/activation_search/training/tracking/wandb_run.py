"""A run at Weights & Biases: ``python train.py tracker=wandb``, with ``WANDB_MODE=offline`` to
upload it later."""

import os
from hashlib import sha256
from pathlib import Path

import wandb

from activation_search.config.run import TrainConfig
from activation_search.training.history import EpochRow
from activation_search.training.result import FINISHED, PRUNED, RunResult
from activation_search.training.tracking.naming import PROJECT, group_of, run_name


class WandbRun:
    """Sends what TensorBoard's event files of the run get, by W&B's own synchronisation: scalars,
    gradient norms, histograms, pictures.

    ``WANDB_PROJECT``, ``WANDB_ENTITY``, ``WANDB_MODE`` and ``WANDB_DIR`` mean what they always do.

    Args:
        config: the run's, which W&B shows as its configuration.
        directory: of the run; a run that is resumed there is the same one at W&B.

    Raises:
        wandb.Error: W&B is not logged in, or cannot be reached.
    """

    def __init__(self, config: TrainConfig, directory: Path):
        # As init(sync_tensorboard=True) does, which cannot name the folder that tags begin below.
        wandb.tensorboard.patch(save=False, root_logdir=str(directory))
        Path(config.logs).mkdir(parents=True, exist_ok=True)
        try:
            self.run = wandb.init(
                project=os.environ.get("WANDB_PROJECT", PROJECT),
                group=group_of(config),
                name=run_name(directory),
                id=sha256(str(directory.absolute()).encode()).hexdigest()[:12],
                resume="allow",
                dir=os.environ.get("WANDB_DIR", config.logs),
                config=config.as_dict(),
                # Several runs of a study would talk into its progress bar.
                settings=wandb.Settings(console="off", silent=not config.trainer.progress),
            )
        except BaseException:
            wandb.tensorboard.unpatch()
            raise

    def epoch(self, curve: list[EpochRow]) -> None:
        """TensorBoard's file brings it."""

    def end(self, result: RunResult) -> None:
        """Adds the final metrics, and finishes the run; W&B waits ten seconds for event files."""
        try:
            final = {f"final/{name}": value for name, value in result.metrics.items()}
            self.run.summary.update({**final, "status": result.status})
            self.run.summary.update({"parameters": result.parameters})
        finally:
            self.run.finish(exit_code=0 if result.status in (FINISHED, PRUNED) else 1)
            wandb.tensorboard.unpatch()
