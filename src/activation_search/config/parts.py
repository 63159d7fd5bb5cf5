"""The parts of a run's configuration beside its model and its data. Torch is not imported."""

from dataclasses import dataclass

from activation_search.config.limits import setting

OPTIMIZERS = ("adam", "adamw", "nadam", "radam", "rmsprop", "sgd")
PRECISIONS = ("32-true", "bf16-mixed", "16-mixed", "bf16-true", "64-true")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps")
MAX_COUNT = 1_000_000_000  # of steps, epochs and batches: more than any run lives to see


@dataclass
class OptimConfig:
    """How weights follow their gradients."""

    optimizer: str = setting("adam", choices=OPTIMIZERS, help="its name")
    lr: float = setting(5e-3, above=0, help="learning rate, the peak of a schedule")
    schedule: str = setting(
        "one_cycle", choices=("constant", "cosine", "one_cycle"), help="of lr, over all steps"
    )
    weight_decay: float = setting(
        0.0, low=0, help="of weights; never of biases, norms and activations' own parameters"
    )
    momentum: float = setting(0.9, low=0, high=0.999, help="of sgd and rmsprop")
    activation_lr_factor: float = setting(
        1.0, low=0, help="times lr for the activations' own parameters"
    )
    clip: float | None = setting(
        None, above=0, help="largest total gradient norm; null does not clip"
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
