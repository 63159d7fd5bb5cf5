"""Exceptions that a command prints as one sentence: a user's mistake, a failed machine, a limit."""

import errno
import os
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

from activation_search.passwords import without_passwords

MOST_LISTED = 30  # valid names beside a guess; more would hide it


class _Sentence(Exception):
    """Shown without a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows."""
        return [f"Error: {without_passwords(str(self))}"]


class UserError(_Sentence):
    """A mistake in what the user asked for; the command line prints it without a traceback.

    Its message is the whole information: what was given and what is allowed.
    """


class MachineError(_Sentence):
    """A failure of the machine, such as a full disk; printed without a traceback, exit code 1.

    Its message states what failed, and what is kept where that is not obvious.

    Example:
        raise MachineError("Cannot write logs/a/result.json: No space left on device.")
    """


class TimeIsUp(Exception):
    """The time that the user gave is over before all was done; printed as a note, exit code 0.

    Its message states what is left.
    """


# The machine's part in an OSError. Others, such as a missing file, are mistakes of the user or of
# the program, and have a sentence or a traceback where they arise.
_FAILURES_OF_THE_MACHINE = {
    errno.ENOSPC,  # disk full
    errno.EDQUOT,  # the user's share of it
    errno.EFBIG,  # a limit of the size of files
    errno.EROFS,  # read-only
    errno.EACCES,
    errno.EPERM,
    errno.EIO,
    errno.ESTALE,  # a network file system that was lost
    errno.EMFILE,  # too many open files
    errno.ENFILE,
}


def machine_error(error: OSError) -> MachineError | None:
    """The sentence for an error of the operating system; ``None`` if it is not the machine's."""
    if error.errno == errno.ENOENT and error.filename:
        folder = Path(error.filename).parent
        if not folder.exists():
            return MachineError(f"The folder {folder} was deleted while it was in use.")
    if error.errno not in _FAILURES_OF_THE_MACHINE:
        return None
    what = f"Cannot use {error.filename}" if error.filename else "Cannot continue"
    return MachineError(f"{what}: {error.strerror}.")


def unknown(kind: str, given: object, allowed: Iterable[str]) -> UserError:
    """Error for a name that does not exist.

    Args:
        kind: what the name should have named, for example ``"activation"``.
        given: the name as the user wrote it.
        allowed: every valid name, listed in this order; with a guess, only a short list is shown.
    """
    names = [str(name) for name in allowed]
    # Swapped letters are the commonest slip, which a similarity of substrings ranks low.
    swapped = [name for name in names if sorted(name) == sorted(str(given))]
    guesses = swapped or get_close_matches(str(given), names, n=1)
    text = f"Unknown {kind} {str(given)!r}"
    if guesses and len(names) > MOST_LISTED:
        return UserError(f"{text}, did you mean {guesses[0]!r}?")
    guess = f", did you mean {guesses[0]!r}?" if guesses else ";"
    choice = f"allowed: {', '.join(names)}" if names else "none is allowed here"
    return UserError(f"{text}{guess} {choice}.")


def print_error(sentence: str) -> None:
    """On standard error, where a command's mistakes are told."""
    print(f"Error: {sentence}", file=sys.stderr)


def reported(command: Callable[[], int | None], show: Callable[[str], None] = print_error) -> int:
    """Runs a command; a mistake or a failed machine becomes one sentence.

    Args:
        command: gives its exit code, or ``None`` for 0.
        show: what is done with the sentence.

    Returns:
        The command's exit code, 0 if it gives none; 2 for a user's mistake, 1 for a failure of the
        machine.
    """
    try:
        return command() or 0
    except UserError as error:
        show(without_passwords(str(error)))
        return 2
    except TimeIsUp as note:
        print(note, file=sys.stderr)
        return 0
    except MachineError as error:
        show(without_passwords(str(error)))
        return 1
    except OSError as error:
        failure = machine_error(error)
        if failure is None:
            raise
        show(without_passwords(str(failure)))
        return 1


def exit_code(script: Callable[[], int | None]) -> int:
    """Runs a whole script: as :func:`reported`, 130 after Ctrl-C, and 141 where nobody reads its
    output any more, as for ``| head``."""
    try:
        code = reported(script)
        if sys.stdout:  # it may have been closed
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Python flushes once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
