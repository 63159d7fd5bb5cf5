"""One sentence per mistake, and the exit codes."""

import errno
import os
import sys

import pytest

from activation_search.errors import MachineError, UserError, exit_code, reported, unknown


@pytest.mark.parametrize(
    ("given", "guess"),
    [("gleu", "gelu"), ("rleu", "relu"), ("softplu", "softplus"), ("TANH", None), (3, None)],
)
def test_nearest_guess(given: object, guess: str | None) -> None:
    names = ["relu", "glu", "gelu", "softplus", "tanh"]
    message = str(unknown("activation", given, names))
    assert message == (
        f"Unknown activation {str(given)!r}{f', did you mean {guess!r}?' if guess else ';'} "
        "allowed: relu, glu, gelu, softplus, tanh."
    )


def test_nothing_allowed() -> None:
    assert str(unknown("parameter", "x", [])) == "Unknown parameter 'x'; none is allowed here."


def test_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    def mistake() -> None:
        raise UserError("No such thing.")

    def interrupted() -> None:
        raise KeyboardInterrupt

    assert reported(lambda: None) == 0
    assert reported(lambda: 1) == 1
    assert exit_code(interrupted) == 130
    with pytest.raises(KeyboardInterrupt):  # a job among others must not swallow it
        reported(interrupted)
    assert exit_code(lambda: 1) == 1
    assert reported(mistake) == 2
    assert capsys.readouterr().err == "Interrupted.\nError: No such thing.\n"


def test_a_closed_output_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert exit_code(lambda: 0) == 0


def failing(error: Exception) -> int:
    def command() -> None:
        raise error

    return exit_code(command)


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MachineError("The disk is full."), "The disk is full."),
        (
            OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "logs/a.json"),
            "Cannot use logs/a.json: No space left on device.",
        ),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Cannot continue: Read-only file system."),
        (
            PermissionError(errno.EACCES, "Permission denied", "x"),
            "Cannot use x: Permission denied.",
        ),
    ],
)
def test_a_failed_machine_is_one_sentence_and_exit_code_1(
    error: Exception, sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert failing(error) == 1
    assert capsys.readouterr().err == f"Error: {sentence}\n"


@pytest.mark.parametrize("number", [errno.ENOENT, errno.EEXIST, None])
def test_other_errors_of_the_system_keep_their_traceback(number: int | None) -> None:
    error = OSError(number, "odd")
    with pytest.raises(OSError, match="odd") as raised:
        failing(error)
    assert raised.value is error
