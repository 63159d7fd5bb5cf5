"""The model as ``torch.export`` sees it: a graph of torch's operators."""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from activation_search.errors import UserError
from activation_search.exporting.predictor import Exportable

FILE = "model.pt2"


def trace(model: Exportable) -> ExportedProgram:
    """The graph, for any number of samples.

    Raises:
        UserError: the model does something that torch.export cannot follow.
    """
    try:
        with torch.no_grad(), warnings.catch_warnings():
            # About torch's own classes: how it registers an LSTM's weights, and compares trees.
            warnings.simplefilter("ignore")
            return torch.export.export(
                model.predictor, (model.x[:3],), dynamic_shapes=({0: Dim.DYNAMIC},), strict=False
            )
    except Exception as error:  # whatever the user's own model meets there
        reason = " ".join(str(error).split())[:200]
        raise UserError(f"torch.export cannot follow this model: {reason}") from error


def write(model: Exportable, folder: Path) -> Callable[[Tensor], Tensor]:
    """Writes the program, and reads it back."""
    torch.export.save(trace(model), folder / FILE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see trace
        read: Callable[[Tensor], Tensor] = torch.export.load(folder / FILE).module()
    return read
