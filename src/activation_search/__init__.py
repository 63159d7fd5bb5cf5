"""Which activation function, in which layer, and is the difference real?

import activation_search as acts

result = acts.train("model=cnn", "activation=gelu", data=acts.arrays(x, y, x_test, y_test))
study = acts.sweep("search=per_layer", "trials=40")
evidence = acts.compare("candidates=[relu,gelu,prelu]", "seeds=10")
model = acts.load(f"{result.directory}/last.ckpt")
model.predict(x)
acts.export(result.directory, "onnx")

for site in acts.sites(my_resnet, sample=x[:2]):
    print(site)
model = acts.replace(my_resnet, {"layer1_*": "gelu", "*": "prelu"}, sample=x[:2])
"""

import warnings
from os import PathLike
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from activation_search.api import Arrays, arrays, compare, discover, export, sweep, train
    from activation_search.models.own.api import replace, restore, sites
    from activation_search.training.module import ActivationModule

__all__ = [
    "Arrays",
    "arrays",
    "compare",
    "discover",
    "export",
    "load",
    "replace",
    "restore",
    "sites",
    "sweep",
    "train",
]

_COMMANDS = ("Arrays", "arrays", "compare", "discover", "export", "sweep", "train")
_OF_ANY_MODEL = ("replace", "restore", "sites")


def __getattr__(name: str) -> Any:
    # Imported at the first use, so that shell completion and ``--help`` need no torch.
    if name in _COMMANDS:
        with warnings.catch_warnings():
            # Lightning's tqdm asks a notebook for ipywidgets, which nothing here uses.
            warnings.filterwarnings("ignore", "IProgress not found")
            from activation_search import api

        return getattr(api, name)
    if name in _OF_ANY_MODEL:
        from activation_search.models.own import api as any_model

        return getattr(any_model, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


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
