"""What people type from other templates, and what there is here instead. Hydra is not imported."""

from collections.abc import Sequence
from typing import NamedTuple

from activation_search.errors import UserError


class Hint(NamedTuple):
    """A key of another template, and the way to what it stands for."""

    key: str
    instead: str


_ONE_DEVICE = (
    "one run uses one device on purpose; python scripts/sweep.py and python scripts/compare.py use "
    "all of them, with a worker per GPU"
)
HINTS = (
    Hint("+experiment", "the group is there already; write it without the plus"),
    Hint(
        "ckpt_path",
        "resume=<run directory> resumes an interrupted run, and in Python "
        "activation_search.load('<run directory>/last.ckpt') gives a trained model",
    ),
    Hint("trainer", "the device is trainer.accelerator=cpu, gpu or auto, and a run uses one"),
    Hint("trainer.devices", _ONE_DEVICE),
    Hint("trainer.strategy", _ONE_DEVICE),
    Hint("trainer.num_nodes", _ONE_DEVICE),
    Hint(
        "debug",
        "trainer.fast_dev_run=true runs one batch of everything, trainer.overfit_batches=1 trains "
        "on a single one",
    ),
    Hint(
        "logger",
        "TensorBoard is written unless tensorboard.enabled=false, and tracker=wandb, mlflow or csv "
        "adds another",
    ),
    Hint(
        "hparams_search",
        "write the ranges on the command line: python train.py -m hydra/sweeper=study "
        "'optim.lr=tag(log,interval(1e-4,1e-1))'",
    ),
)
SAMPLER = Hint("hydra/sweeper/sampler", "a study has it as a setting, hydra.sweeper.sampler=tpe")
SEARCH = Hint(
    "search",
    "a search is a command of its own: python scripts/sweep.py search=per_layer, or python "
    "train.py -m hydra/sweeper=study with the choices on the command line",
)


def check_habits(overrides: Sequence[str], searches: bool) -> None:
    """Refuses overrides of other templates.

    Args:
        overrides: as on the command line.
        searches: whether ``search=`` is an option of the command.

    Raises:
        UserError: says what there is here instead.
    """
    instead = dict(HINTS if searches else (*HINTS, SEARCH))
    if "hydra/sweeper=study" in overrides:  # other sweepers have that group
        instead |= [SAMPLER]
    for override in overrides:
        key, _, value = override.partition("=")
        # trainer={max_epochs: 3} is a way to write settings.
        if value and not value.startswith("{") and (key in instead or key.lstrip("+") in instead):
            way = instead.get(key) or instead[key.lstrip("+")]
            raise UserError(f"{override} is not how it is written here: {way}.")
