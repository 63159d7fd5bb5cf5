"""The settings of the optimizer and its schedule. Torch is not imported."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from activation_search.config.limits import check, setting
from activation_search.errors import UserError

OPTIMIZERS = ("adam", "adamw", "nadam", "radam", "rmsprop", "sgd")
# Settings that some optimizers have.
_TAKEN_BY = {
    "betas": ("adam", "adamw", "nadam", "radam"),
    "eps": ("adam", "adamw", "nadam", "radam", "rmsprop"),
    "nesterov": ("sgd",),
}


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
    betas: list[float] | None = setting(
        None, help="two numbers, of adam, adamw, nadam and radam; null for torch's [0.9,0.999]"
    )
    eps: float | None = setting(
        None, above=0, help="of all but sgd, in the denominator of a step; null for torch's 1e-8"
    )
    nesterov: bool = setting(False, help="of sgd: look ahead along the momentum")
    activation_lr_factor: float = setting(
        1.0, low=0, help="times lr for the activations' own parameters"
    )
    clip: float | None = setting(
        None, above=0, help="largest total gradient norm; null does not clip"
    )
    target: str | None = setting(
        None,
        help="import path of an optimizer in place of optimizer, such as my_optimizers.Muon; it "
        "is called with the parameter groups, and with lr where it takes one",
    )
    args: dict[str, Any] = setting(factory=dict, help="further arguments of target")
    schedule_target: str | None = setting(
        None,
        help="import path of a schedule in place of schedule; it is called with the optimizer, "
        "and with the number of steps where it takes total_steps, num_training_steps or T_max",
    )
    schedule_args: dict[str, Any] = setting(
        factory=dict, help="further arguments of schedule_target"
    )
    schedule_interval: str = setting(
        "step", choices=("step", "epoch"), help="after which schedule_target goes on"
    )
    sha256: str | None = setting(
        None,
        help="first digits of the hash of the source files of target and schedule_target, which "
        "a run fills in",
    )

    @property
    def label(self) -> str:
        """Short name of the optimizer."""
        return self.target.rpartition(".")[2] if self.target else self.optimizer

    @property
    def schedule_label(self) -> str:
        """Short name of the schedule."""
        target = self.schedule_target
        return target.rpartition(".")[2] if target else self.schedule

    def own(self) -> dict[str, str]:
        """Setting -> import path of the user's own code in it."""
        named = {"optim.target": self.target, "optim.schedule_target": self.schedule_target}
        return {key: path for key, path in named.items() if path}


def check_grid(config: OptimConfig, grid: Sequence[float]) -> None:
    """Whether the best of these learning rates can be looked for.

    Raises:
        UserError: there are none, or one is none that ``optim.lr`` takes.
    """
    if not grid:
        raise UserError("lr_grid must list learning rates, not be empty.")
    for rate in grid:
        check(replace(config, lr=rate), "lr_grid: optim.")


def check_optim(config: OptimConfig) -> None:
    """Whether settings of the optimizer go together.

    Raises:
        UserError: one that the optimizer does not have, or that does not fit another.
    """
    given = {name: getattr(config, name) for name in _TAKEN_BY}
    for name in (name for name, value in given.items() if value not in (None, False)):
        if config.target:
            raise UserError(
                f"optim.{name} is of the built-in optimizers; write optim.args={{{name}: …}} for "
                f"optim.target={config.target}."
            )
        if config.optimizer not in _TAKEN_BY[name]:
            raise UserError(
                f"optim.{name} is not for optim.optimizer={config.optimizer}; it is a setting of "
                f"{', '.join(_TAKEN_BY[name])}."
            )
    if config.betas is not None:
        given_betas = config.betas if isinstance(config.betas, list) else []
        real = [beta for beta in given_betas if type(beta) in (int, float) and 0 <= beta < 1]
        if len(given_betas) != 2 or len(real) != 2:
            raise UserError(
                "optim.betas must be two numbers of at least 0 and below 1, such as [0.9,0.95], "
                f"not {config.betas!r}."
            )
    if config.nesterov and config.momentum == 0:
        raise UserError("optim.nesterov=true looks ahead along optim.momentum, which is 0.")
    for args, target in (("args", "target"), ("schedule_args", "schedule_target")):
        if not isinstance(getattr(config, args), dict):
            raise UserError(
                f"optim.{args} maps names to values, as in {{momentum: 0.9}}; "
                f"{getattr(config, args)!r} does not."
            )
        if getattr(config, args) and not getattr(config, target):
            raise UserError(f"optim.{args} are arguments of optim.{target}, which is not given.")
    if "lr" in config.args:
        raise UserError("optim.args holds lr; write optim.lr, which schedules and tuning follow.")
    if "weight_decay" in config.args:
        raise UserError(
            "optim.args holds weight_decay; write optim.weight_decay, which leaves learned "
            "activations out."
        )
