"""How results show themselves in a notebook.

A result knows nothing of tables and pictures, which :mod:`activation_search.reports` draws: that
registers how each kind is shown.
"""

from functools import singledispatch
from html import escape


@singledispatch
def as_html(result: object) -> str:
    """A result as HTML; where nothing is registered, as Python shows it."""
    return f"<pre>{escape(repr(result))}</pre>"
