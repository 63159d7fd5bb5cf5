"""Passwords of databases are neither printed nor written anywhere."""

import re

# Up to the last @: a password that was not percent-encoded may hold one itself.
_IN_URL = re.compile(r"(\w[\w+.-]*://[^\s:/@'\"]*):[^\s'\"]*@")
_IN_QUERY = re.compile(r"([?&][^=&\s]*(?:pass|pwd)[^=&\s]*=)[^&\s'\"]*", re.IGNORECASE)


def without_passwords(text: str) -> str:
    """The text with ``***`` for each password in a URL, such as that of ``storage=``.

    Example:
        >>> without_passwords("storage=postgresql://me:secret@host/studies")
        'storage=postgresql://me:***@host/studies'
    """
    return _IN_QUERY.sub(r"\1***", _IN_URL.sub(r"\1:***@", text))
