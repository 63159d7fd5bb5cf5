"""Arrays of the user's own: an ``.npz`` file, or what a Python function returns.

    python train.py data=arrays data.path=my.npz
    python train.py data=function data.function=my_module.load

Both hold ``x_train, y_train, x_test, y_test``, and may hold ``x_validation, y_validation``. One
sample is a vector ``[F]``, a series ``[T, F]``, or an image ``[H, W]`` (of bytes, or with
``data.sample=image``), ``[H, W, C]`` or ``[C, H, W]`` (``data.channels=`` where the shape does not
decide). Series of different lengths are filled up with NaN. Whole numbers, words and one-hot rows
are labels, other numbers are predicted. The function is called once per process.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zipfile import is_zipfile

import numpy as np
import torch

from activation_search.config.data import ArraysConfig, FunctionConfig
from activation_search.data.as_array import aligned, as_array
from activation_search.data.files import given_file
from activation_search.data.floats import to_floats
from activation_search.data.labels import OBJECTS_TO_TYPES, Labels, from_one_hot, read_targets
from activation_search.data.sample import Sample, lacking_steps
from activation_search.data.splits import Source
from activation_search.errors import UserError, unknown
from activation_search.user_code import own_callable

PARTS = ("train", "validation", "test")
NAMES = [f"{axis}_{part}" for part in PARTS for axis in "xy"]
COLOURS = (1, 3, 4)


def load_arrays(config: ArraysConfig) -> Source:
    """The arrays in a file.

    Raises:
        UserError: it is no ``.npz``, or see :func:`from_arrays`.
    """
    path = given_file("data.path", config.path, "my.npz")
    arrays = {}
    name = ""
    try:
        with path.open("rb") as opened:
            if not is_zipfile(opened):
                raise UserError(f"{path} is no .npz file; numpy.savez writes one.")
            opened.seek(0)
            with np.load(opened) as file:
                for name in file.files:
                    # Others are left alone: they may be objects, or large.
                    arrays[name] = file[name] if name in NAMES else None
    except UserError:
        raise
    except Exception as error:  # damage of many kinds
        if "Object arrays" in str(error):  # only a pickle could hold them, which may run code
            raise UserError(
                f"{path}: {name} is an array of Python objects; {OBJECTS_TO_TYPES}, and save again."
            ) from error
        raise UserError(f"{path} cannot be read as .npz: {error}.") from error
    return from_arrays(arrays, str(path), config, {"file": str(path)})


def load_function(config: FunctionConfig) -> Source:
    """The arrays that a function returns.

    Raises:
        UserError: it cannot be imported, fails, returns something else, or see :func:`from_arrays`.
    """
    if not config.function:
        raise UserError("data=function needs data.function=my_module.my_function.")
    function = own_callable("data.function", config.function)
    where = f"data.function={config.function}"
    try:
        arrays = function()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever the user's code raises, an exit included
        what = "ended the program by exit" if isinstance(error, SystemExit) else "failed"
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where} {what}: {reason}") from error
    if not isinstance(arrays, Mapping):
        raise UserError(
            f"{where} must return a mapping with x_train, y_train, x_test and y_test, "
            f"not {type(arrays).__name__}."
        )
    return from_arrays(arrays, where, config, {"function": config.function})


def from_arrays(
    arrays: Mapping[str, Any],
    where: str,
    config: ArraysConfig | FunctionConfig,
    origin: Mapping[str, str],
) -> Source:
    """A source from arrays by their names, all of them checked.

    Args:
        arrays: name -> array; other names than those above are left alone.
        where: what errors name.
        config: how to read them, see :class:`ArraysConfig`.
        origin: for the record.

    Raises:
        UserError: an array that is missing or empty, has another shape than it should, or holds
            what it should not; one sentence with its name and what was found.
    """
    parts = _parts(arrays, where)
    reader = _Reader(where, config.sample, config.channels)
    x = {part: reader.inputs(f"x_{part}", parts[f"x_{part}"]) for part in PARTS
         if f"x_{part}" in parts}  # fmt: skip
    shapes = {part: array.shape[1:] for part, array in x.items()}
    for part, shape in shapes.items():
        if shape != shapes["train"]:
            raise UserError(
                f"{where}: samples of x_{part} have shape {list(shape)}, those of x_train "
                f"{list(shapes['train'])}."
            )
    labels = {part: Labels(f"{where}: y_{part}", parts[f"y_{part}"], len(x[part])) for part in x}
    if config.target_kind != "numbers" and (decoded := from_one_hot(labels)):
        labels = decoded
        origin = {**origin, "note": "The targets are one-hot and taken for classes; "
                  "data.target_kind=numbers predicts their numbers."}  # fmt: skip
    target, y = read_targets(labels, config.target_kind)
    return Source(
        x_train=x["train"],
        y_train=y["train"],
        x_test=x["test"],
        y_test=y["test"],
        sample=Sample(reader.kind, shapes["train"], varies=reader.varies),
        target=target,
        x_validation=x.get("validation"),
        y_validation=y.get("validation"),
        origin=origin,
    )


def _parts(arrays: Mapping[str, Any], where: str) -> dict[str, np.ndarray]:
    given = [str(name) for name in arrays]
    for name in given:
        if name.startswith(("x_", "y_")) and name not in NAMES:
            raise unknown(f"array in {where}:", name, NAMES)
    needed = [name for name in NAMES if "validation" not in name]
    if {"x_validation", "y_validation"} & set(given):
        needed = NAMES
    if lacking := [name for name in needed if name not in arrays]:
        held = ", ".join(given) or "nothing"
        raise UserError(f"{where} lacks {', '.join(lacking)}; it holds {held}.")
    found: dict[str, Any] = {}
    for axis in "xy":
        found |= aligned({name: arrays[name] for name in needed if name[0] == axis})
    return {name: as_array(f"{where}: {name}", found[name]) for name in needed}


@dataclass
class _Reader:
    """Brings inputs into the layout of their kind; the first array decides which that is."""

    where: str
    kind: str
    channels: str
    varies: bool = False
    as_bytes: bool | None = None

    def inputs(self, name: str, array: np.ndarray) -> np.ndarray:
        where = f"{self.where}: {name}"
        if array.dtype.kind not in "fiub":
            raise UserError(f"{where} holds {_held(array)}.")
        if array.ndim not in (2, 3, 4) or 0 in array.shape:
            raise UserError(
                f"{where} has shape {list(array.shape)}; it must be [N, F], [N, T, F], [N, H, W], "
                "[N, H, W, C] or [N, C, H, W], and not empty."
            )
        if self.kind == "auto":
            self.kind = self._guessed(where, array)
        array = self._arranged(where, array)
        as_bytes = array.dtype == np.uint8
        if self.kind == "image" and self.as_bytes not in (None, as_bytes):
            raise UserError(
                f"{where} holds {array.dtype}, x_train does not: bytes and other numbers have "
                "different scales."
            )
        self.as_bytes = as_bytes
        if self.kind != "image" or array.dtype != np.uint8:
            array = to_floats(where, array)
            self._check_values(where, array)
        # Of its own where it could not be written, as torch asks.
        return np.require(array, requirements=["C", "W"])

    def _guessed(self, where: str, array: np.ndarray) -> str:
        if array.ndim == 4 or (array.ndim == 3 and array.dtype == np.uint8):
            return "image"
        if array.ndim == 3 and array.shape[1] == array.shape[2] > 4:
            raise UserError(
                f"{where} has shape {list(array.shape)}: set data.sample=image or "
                "data.sample=series."
            )
        return ("vector", "series")[array.ndim - 2]

    def _arranged(self, where: str, array: np.ndarray) -> np.ndarray:
        if self.kind == "vector":
            return array.reshape(len(array), -1)
        if self.kind == "series" and array.ndim < 4:
            return array[:, :, None] if array.ndim == 2 else array
        if self.kind == "image" and array.ndim == 3:
            return array[:, None]
        if self.kind == "image" and array.ndim == 4:
            if self.channels == "auto":
                self.channels = _where_channels_are(where, array.shape)
            return array.transpose(0, 3, 1, 2) if self.channels == "last" else array
        raise UserError(f"{where} has shape {list(array.shape)}, which is no data.sample="
                        f"{self.kind}.")  # fmt: skip

    def _check_values(self, where: str, array: np.ndarray) -> None:
        bad = ~np.isfinite(array)
        if self.kind == "series":
            lacking = lacking_steps(torch.from_numpy(array)).numpy()
            if lacking[:, 0].any():
                raise UserError(f"{where} holds no step at sample {lacking[:, 0].argmax()}.")
            self.varies |= bool(lacking.any())
            bad &= ~lacking[:, :, None]
        if bad.any():
            at = np.argwhere(bad)[0]
            raise UserError(
                f"{where} holds {array[tuple(at)]} at sample {at[0]}"
                f" (position {at[1:].tolist()}); {bad.sum()} values are not finite."
            )


def _where_channels_are(where: str, shape: tuple[int, ...]) -> str:
    first, last = shape[1] in COLOURS, shape[3] in COLOURS
    if first == last:
        raise UserError(
            f"{where} has shape {list(shape)}, which does not tell where the channels are: set "
            f"data.channels=first for {shape[1]} channels or data.channels=last for {shape[3]}."
        )
    return "first" if first else "last"


def _held(array: np.ndarray) -> str:
    """What an array that holds no numbers holds, for a sentence."""
    if array.dtype.kind == "O":
        return f"Python objects, not numbers; {OBJECTS_TO_TYPES}"
    if array.dtype.kind in "USTO" and array.size:
        return f"text ({array.flat[0]!s}), not numbers"
    return f"values of type {array.dtype}, not numbers"
