"""Passwords of databases are neither printed nor written anywhere."""

import re

# What stands before a password.
_USER = r"(\w[\w+.-]*://[^\s:/@]*):"
_KEY = r"(?i)([?&][^=&\s]*(?:pass|pwd)[^=&\s]*=)"
# Up to the last @: a password that was not percent-encoded may hold one itself, and quotes.
_IN_URL = re.compile(rf"{_USER}\S*@")
# A quote ends it only where the text goes on with something else.
_IN_QUERY = re.compile(rf"{_KEY}(?:[^&\s'\"]|['\"](?=\w))*")
_IN_WORD = re.compile(rf"{_USER}.*@", re.DOTALL)
_IN_QUERY_OF_WORD = re.compile(rf"{_KEY}[^&]*")


def without_passwords(text: str) -> str:
    """The text with ``***`` for each password in a URL, such as that of ``storage=``.

    Example:
        >>> without_passwords("storage=postgresql://me:secret@host/studies")
        'storage=postgresql://me:***@host/studies'
    """
    return _IN_QUERY.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))


def without_password(word: str) -> str:
    """As :func:`without_passwords`, of one word of a command line or one URL alone, whose password
    may hold blanks and quotes too."""
    return _IN_QUERY_OF_WORD.sub(r"\1***", _IN_WORD.sub(r"\1:***@", word))
