"""A trained model in the formats of other programs, each tried against ``predict``."""

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor

from activation_search.errors import UserError, unknown
from activation_search.exporting import formula, onnx_file, plain, trace
from activation_search.exporting.predictor import Exportable, exportable
from activation_search.training.module import ActivationModule

EXPORT_FOLDER = "export"  # in a run directory
SAMPLES = 200  # that are tried
LIMIT = 1e-4  # for the largest difference; float32 rounds at about 1e-7


@dataclass(frozen=True)
class Format:
    """What a model can be written as.

    Attributes:
        write: writes files into a folder; gives what computes with them, or ``None`` where they
            compute nothing.
        use: how it is read, for people.
    """

    write: Callable[[Exportable, Path], Callable[[Tensor], Tensor] | None]
    use: str


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        paths: the files.
        difference: the largest one from ``predict``, see :class:`Exportable`; ``None`` for a
            format that computes nothing.
        meaning: what goes in and what comes out, as text.
        use: how it is read.
    """

    paths: list[Path]
    difference: float | None
    meaning: dict[str, str]
    use: str


def write_state_dict(model: Exportable, folder: Path) -> None:
    """Three dictionaries: ``network`` (of a model of the user's own under its own keys), ``scale``
    and ``task``."""
    network = model.module.network
    parts = {
        "network": getattr(network, "model", network),
        "scale": model.predictor.scale,
        "task": model.predictor.task,
    }
    torch.save({name: part.state_dict() for name, part in parts.items()}, folder / "weights.pt")


FORMATS = {
    "onnx": Format(onnx_file.write, 'onnxruntime.InferenceSession("{path}").run(None, {{"x": x}})'),
    "plain": Format(plain.write, "from {stem} import load; load()(x), in {folder}"),
    "pt2": Format(trace.write, 'torch.export.load("{path}").module()(x)'),
    "state_dict": Format(
        write_state_dict, 'model.load_state_dict(torch.load("{path}")["network"])'
    ),
    "formula": Format(formula.write, "for people: the functions at each site"),
}


def check_format(format: str) -> None:
    """Whether there is such a format.

    Raises:
        UserError: there is none.
    """
    if format == "torchscript":
        raise UserError(
            "torch deprecates TorchScript; format=pt2 is what takes its place, a program that "
            "torch.export.load reads without this package."
        )
    if format not in FORMATS:
        raise unknown("format", format, FORMATS)


def export_model(module: ActivationModule, format: str, folder: Path) -> Exported:
    """Writes a model in a format, and tries it on 200 samples; nothing is left of one that fails.

    Args:
        module: in evaluation mode on the CPU, see :func:`activation_search.load`.
        format: a name in ``FORMATS``.
        folder: where to; made if it is missing.

    Raises:
        UserError: there is no such format; the model cannot be written in it; or what was written
            computes something else than ``predict``.

    Example:
        export_model(load("logs/train/…"), "onnx", Path("out")).difference  # 3e-07
    """
    check_format(format)
    model = exportable(module, SAMPLES)
    folder.mkdir(parents=True, exist_ok=True)
    try:
        paths, difference = _write(model, format, folder)
    finally:
        with suppress(OSError):  # it holds something, as it should
            folder.rmdir()
    use = FORMATS[format].use.format(path=paths[0], stem=paths[0].stem, folder=folder)
    return Exported(paths, difference, model.meaning, use)


def _write(model: Exportable, format: str, folder: Path) -> tuple[list[Path], float | None]:
    # Inside a folder of their own until they are tried; they replace an earlier export together.
    with TemporaryDirectory(dir=folder, prefix=".new-") as new:
        compute = FORMATS[format].write(model, Path(new))
        difference = None
        if compute is not None:
            with torch.no_grad():
                difference = model.difference(compute(model.x))
            if difference > LIMIT:
                raise UserError(
                    f"format={format} computes something else than predict, by up to "
                    f"{difference:.1e}, where {LIMIT:g} is allowed; nothing was written."
                )
        names = sorted(path.name for path in Path(new).iterdir() if path.is_file())
        for name in names:
            os.replace(Path(new) / name, folder / name)
    return [folder / name for name in names], difference
