"""The one exception for a user's mistake: a sentence with what is allowed and the nearest guess."""

from collections.abc import Iterable
from difflib import get_close_matches


class UserError(Exception):
    """A mistake in what the user asked for; the command line prints it without a traceback.

    Subclasses nothing more specific on purpose: its message is the whole information, one sentence
    that says what was given and what is allowed.
    """


def unknown(kind: str, given: object, allowed: Iterable[str]) -> UserError:
    """Error for a name that does not exist.

    Args:
        kind: what the name should have named, for example ``"activation"``.
        given: the name as the user wrote it.
        allowed: every valid name, listed in this order.
    """
    names = [str(name) for name in allowed]
    guesses = get_close_matches(str(given), names, n=1)
    guess = f" Did you mean {guesses[0]!r}?" if guesses else ""
    choice = f"allowed: {', '.join(names)}" if names else "none is allowed here"
    return UserError(f"Unknown {kind} {str(given)!r}; {choice}.{guess}")
