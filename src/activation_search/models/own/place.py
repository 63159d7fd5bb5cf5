"""Where in the code a call stands: what tells one activation of a module from the next."""

import os
import sys
from types import FrameType
from typing import NamedTuple

import torch

_TORCH = os.path.dirname(torch.__file__) + os.sep  # noqa: PTH120 (a prefix of text)
_MODULES = os.path.join(_TORCH, "nn", "modules") + os.sep  # noqa: PTH118
_CALL = os.path.join(_MODULES, "module.py")  # noqa: PTH118
_HERE = os.path.dirname(__file__) + os.sep  # noqa: PTH120

_machinery: dict[str, bool] = {}


Key = tuple[str, int, int]


class Place(NamedTuple):
    """A call in the code.

    Attributes:
        file: of the function that makes the call.
        function_line: the first line of that function.
        offset: of the call in its bytecode; two calls in one line differ.
        line: of the call, for people.
    """

    file: str
    function_line: int
    offset: int
    line: int

    @property
    def key(self) -> "Key":
        """What identifies it; see :func:`calling_key`."""
        return self.file, self.function_line, self.offset

    def __str__(self) -> str:
        return f"{os.path.basename(self.file)}:{self.line}"  # noqa: PTH119 (text)


def calling_place() -> Place:
    """The place of the call that led here, past torch's machinery of calling."""
    frame = _calling_frame()
    code = frame.f_code
    return Place(code.co_filename, code.co_firstlineno, frame.f_lasti, frame.f_lineno)


def calling_key() -> Key:
    """The same as a key alone, which is cheap enough for every call of a training step: Python
    works out a line's number from a table at each look."""
    frame = _calling_frame()
    code = frame.f_code
    return code.co_filename, code.co_firstlineno, frame.f_lasti


def _calling_frame() -> FrameType:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None and _is_machinery(frame.f_code.co_filename):
        frame = frame.f_back
    assert frame is not None
    return frame


def _is_machinery(file: str) -> bool:
    """Files whose frames only pass a call on; the forward of torch's own modules does not."""
    known = _machinery.get(file)
    if known is None:
        in_torch = file.startswith(_TORCH) and (not file.startswith(_MODULES) or file == _CALL)
        known = _machinery[file] = in_torch or file.startswith(_HERE)
    return known
