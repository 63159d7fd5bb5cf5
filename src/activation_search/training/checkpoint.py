"""From a checkpoint back to a model."""

from os import PathLike
from pickle import UnpicklingError

import torch

from activation_search.errors import UserError
from activation_search.imports import check_trusted
from activation_search.training.config import activation_imports
from activation_search.training.module import ActivationModule


def load_checkpoint(path: str | PathLike[str], trust: bool = False) -> ActivationModule:
    """See :func:`activation_search.load`."""
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        hyperparameters, weights = stored["hyper_parameters"], stored["state_dict"]
    except OSError as error:
        raise UserError(f"Cannot read the checkpoint {path}: {error.strerror}.") from error
    except (UnpicklingError, RuntimeError, LookupError, TypeError, ValueError) as error:
        raise UserError(f"{path} is no checkpoint of a run.") from error
    check_trusted(activation_imports(hyperparameters["config"]), path, trust)
    module = ActivationModule(**hyperparameters)
    module.load_state_dict(weights)
    return module.eval()
