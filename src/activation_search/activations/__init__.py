"""The catalogue of activation functions, and how to get one.

    from activation_search.activations import ENTRIES, build, gains
    build("leaky_relu", negative_slope=0.2)

Reading the table (``ENTRIES``) imports no torch; ``build`` and ``gains`` do, when first asked.
"""

from typing import TYPE_CHECKING, Any

from activation_search.activations.activation import Activation
from activation_search.activations.catalogue import ALIASES, ENTRIES, find
from activation_search.activations.choice import ActivationChoice
from activation_search.activations.entry import Entry, Parameter

if TYPE_CHECKING:
    from activation_search.activations.factory import build
    from activation_search.activations.moments import Gains, gains

__all__ = [
    "ALIASES",
    "ENTRIES",
    "Activation",
    "ActivationChoice",
    "Entry",
    "Gains",
    "Parameter",
    "build",
    "find",
    "gains",
]


def __getattr__(name: str) -> Any:
    if name == "build":
        from activation_search.activations.factory import build

        return build
    if name in ("Gains", "gains"):
        from activation_search.activations import moments

        return getattr(moments, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
