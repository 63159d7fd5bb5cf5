"""The parts of a run's configuration beside its model and its data. Torch is not imported."""

from dataclasses import dataclass
from typing import Any

from activation_search.config.limits import setting
from activation_search.config.own_parts import parse_parts
from activation_search.errors import unknown

PROFILERS = ("simple", "pytorch")
TRACKERS = ("csv", "mlflow", "wandb")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
MAX_COUNT = 1_000_000_000  # of steps, epochs and batches: more than any run lives to see


@dataclass
class TaskConfig:
    """What a run is judged by; the rest of the task follows from the data."""

    metric: str | None = setting(
        None,
        help="chooses best.ckpt, stops early, ranks trials and compares: any metric of the task, "
        "or loss; defaults to the task's first",
    )


@dataclass
class TrainerConfig:
    """The loop and its machine."""

    max_epochs: int = setting(30, low=1, high=MAX_COUNT, help="passes over the training samples")
    max_steps: int | None = setting(
        None, low=1, high=MAX_COUNT, help="optimizer steps, where they end before max_epochs"
    )
    accelerator: str = setting(
        "auto", choices=ACCELERATORS, help="as in Lightning; a run uses one device"
    )
    precision: str = setting("32-true", choices=PRECISIONS, help="as in Lightning")
    threads: int | None = setting(
        None, low=1, high=512, help="of torch on the CPU; null for torch's choice, all cores"
    )
    deterministic: bool = setting(
        False, help="refuse GPU kernels whose sums depend on the order of threads"
    )
    accumulate_grad_batches: int = setting(
        1, low=1, high=MAX_COUNT, help="batches per optimizer step"
    )
    fast_dev_run: bool = setting(
        False, help="one batch of each split through everything, written under logs/debug"
    )
    overfit_batches: int = setting(
        0, low=0, high=MAX_COUNT, help="train and validate on so many batches; 0 for all"
    )
    checkpoints: bool = setting(True, help="write best.ckpt and last.ckpt after each epoch")
    progress: bool = setting(True, help="show the progress bar")
    callbacks: list[Any] = setting(
        factory=list,
        help="Lightning callbacks, by import path: my_callbacks.EMA, or with arguments "
        "{target: my_callbacks.EMA, decay: 0.9}",
    )
    callbacks_sha256: str | None = setting(
        None, help="first digits of the hash of their source files, which a run fills in"
    )
    loggers: list[Any] = setting(
        factory=list,
        help="Lightning loggers likewise; save_dir is the run directory where they take one and "
        "are given none",
    )
    profiler: str | None = setting(
        None,
        choices=PROFILERS,
        help="Lightning's, which writes what took how long into the run directory",
    )

    def own(self, *settings: str) -> list[str]:
        """Import paths of the user's own parts in these of ``callbacks`` and ``loggers``.

        Raises:
            UserError: see :func:`activation_search.config.own_parts.parse_parts`.
        """
        return [
            part.target
            for name in settings
            for part in parse_parts(f"trainer.{name}", getattr(self, name))
        ]


@dataclass
class TensorBoardConfig:
    """What is logged, and how often."""

    enabled: bool = setting(True, help="write event files at all")
    every_n_steps: int = setting(
        10, low=1, high=MAX_COUNT, help="scalars of steps: loss, gradient norms"
    )
    histograms_every_n_epochs: int = setting(
        10,
        low=0,
        high=MAX_COUNT,
        help="gradients and pre-activations per layer, and pictures of what activations learned "
        "and of what was confused; 0 for never, as in studies",
    )
    trial: int | None = setting(
        None, low=0, high=MAX_COUNT, help="number for HPARAMS, which a study fills in"
    )


@dataclass
class HealthConfig:
    """Readings that find vanishing gradients, dying units and their like."""

    enabled: bool = setting(
        True, help="gradient norms every tensorboard.every_n_steps, and all below"
    )
    every_n_steps: int = setting(
        500,
        low=1,
        high=MAX_COUNT,
        help="sites and weight updates; each reading takes as long as a few steps",
    )


@dataclass
class EarlyStoppingConfig:
    """Ends training where validation no longer improves."""

    patience: int | None = setting(
        None, low=1, high=MAX_COUNT, help="epochs without a better value; null for never"
    )
    min_delta: float = setting(0.0, low=0, help="what counts as better")


def tracker_names(given: object) -> list[str]:
    """What ``tracker`` asks for, each once.

    Args:
        given: ``None``, a name, or a list of names.

    Raises:
        UserError: there is no such tracker.

    Example:
        tracker_names(["wandb", "csv"])
    """
    names = given if isinstance(given, list) else [] if given is None else [given]
    for name in names:
        if name not in TRACKERS:
            raise unknown("tracker", name, TRACKERS)
    return list(dict.fromkeys(names))
