"""The one exception for a user's mistake: a sentence with what is allowed and the nearest guess."""

import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user asked for; the command line prints it without a traceback.

    Its message is the whole information: what was given and what is allowed.
    """


def unknown(kind: str, given: object, allowed: Iterable[str]) -> UserError:
    """Error for a name that does not exist.

    Args:
        kind: what the name should have named, for example ``"activation"``.
        given: the name as the user wrote it.
        allowed: every valid name, listed in this order.
    """
    names = [str(name) for name in allowed]
    # Swapped letters are the commonest slip, which a similarity of substrings ranks low.
    swapped = [name for name in names if sorted(name) == sorted(str(given))]
    guesses = swapped or get_close_matches(str(given), names, n=1)
    guess = f", did you mean {guesses[0]!r}?" if guesses else ";"
    choice = f"allowed: {', '.join(names)}" if names else "none is allowed here"
    return UserError(f"Unknown {kind} {str(given)!r}{guess} {choice}.")


def reported(command: Callable[[], int | None]) -> int:
    """Runs a command; a user's mistake becomes one sentence on standard error.

    Returns:
        The command's exit code, 0 if it gives none; 2 for a mistake.
    """
    try:
        return command() or 0
    except UserError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def exit_code(script: Callable[[], int | None]) -> int:
    """Runs a whole script: as :func:`reported`, and 130 after Ctrl-C."""
    try:
        return reported(script)
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130
