"""ONNX, for runtimes without torch."""

import logging
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from activation_search.errors import UserError
from activation_search.exporting.predictor import Exportable
from activation_search.exporting.trace import trace

FILE = "model.onnx"


def write(model: Exportable, folder: Path) -> Callable[[Tensor], Tensor]:
    """Writes the model, its weights inside, and opens it in onnxruntime.

    Raises:
        UserError: a package of the extra is missing, or an operator has no counterpart.
    """
    try:
        import onnxruntime
        from onnxscript import opset18
    except ImportError as error:
        raise UserError(f"format=onnx needs {error.name}: pip install -e '.[export]'.") from error

    def hypot(x: Any, y: Any) -> Any:
        x, y = opset18.Abs(x), opset18.Abs(y)
        larger = opset18.Max(x, y)
        ratio = opset18.Div(opset18.Min(x, y), larger)  # the squares of x and y may overflow
        return opset18.Mul(larger, opset18.Sqrt(opset18.Add(opset18.Mul(ratio, ratio), 1.0)))

    def rrelu(x: Any, lower: float = 1 / 8, upper: float = 1 / 3, *_: Any, **__: Any) -> Any:
        return opset18.LeakyRelu(x, alpha=(lower + upper) / 2)  # as in evaluation

    # Operators that torch's own translation does not know.
    aten = torch.ops.aten
    translations: dict[Callable[..., Any], Callable[..., Any]] = {
        aten.hypot.default: hypot,
        aten.rrelu.default: rrelu,
    }
    program = trace(model)
    # It notes each operator of torchvision that is not installed.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # see trace
            written = torch.onnx.export(
                program,
                input_names=["x"],
                output_names=["y"],
                dynamic_shapes=({0: "B"},),
                custom_translation_table=translations,
                verbose=False,
            )
            assert written is not None
            written.model.metadata_props.update(model.meaning)
            written.save(folder / FILE)
        session = onnxruntime.InferenceSession(folder / FILE)
    except Exception as error:  # each package has its own, for each operator that it lacks
        cause: BaseException = error
        while cause.__cause__ is not None:
            cause = cause.__cause__
        reason = " ".join(str(cause).split())[:200]
        raise UserError(f"This model cannot be written as ONNX: {reason}") from error
    return lambda x: torch.from_numpy(session.run(None, {"x": x.numpy()})[0])
