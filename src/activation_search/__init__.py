"""Which activation function, in which layer, and is the difference real?

model = activation_search.load("logs/train/…/best.ckpt")
model.predict(x)
"""

from os import PathLike
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from activation_search.training.module import ActivationModule

__all__ = ["load"]


def load(path: "str | PathLike[str]", trust: bool = False) -> "ActivationModule":
    """The trained model of a checkpoint, in evaluation mode on the CPU.

    Args:
        path: a ``best.ckpt`` or ``last.ckpt`` of a run directory.
        trust: import the code that the checkpoint names where an activation is a function of the
            user's own. Importing runs it, so trust files of known origin only.

    Returns:
        A torch module; ``predict(x)`` gives probabilities, or numbers in the targets' unit, for
        samples ``[B, ...]`` on the data set's own scale.

    Raises:
        UserError: the file is missing, is no checkpoint of this program, or names code to import
            without being trusted.
    """
    # Imported here so that shell completion and ``--help`` need no torch.
    from activation_search.training.checkpoint import load_checkpoint

    return load_checkpoint(path, trust)
