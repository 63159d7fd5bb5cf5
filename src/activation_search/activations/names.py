"""Names as people type them, and the catalogue's own, which results and folders show.

python train.py activation=LeakyReLU activation.layers.conv2=GELU
"""

import re
from collections.abc import Sequence
from typing import Any

from activation_search.activations.catalogue import lookup

MODEL_DEFAULT = "default"  # the name that asks for the model's own activations

# A name, perhaps one of several: relu,gelu or choice(relu,gelu). With a dot it is a path.
_WORD = re.compile(r"[\w.-]+(?: +[\w.-]+)*")


def own_name(name: Any) -> Any:
    """The catalogue's name of an activation; anything else as it is given."""
    entry = lookup(name)
    return entry.name if entry else name


def own_overrides(overrides: Sequence[str]) -> list[str]:
    """Command-line overrides with the catalogue's names after ``activation=``, where Hydra takes
    nothing but the exact name of an option; an unknown one in small letters."""
    return [_own_override(override) for override in overrides]


def _own_word(word: re.Match[str]) -> str:
    path = "." in word[0]  # of a function of the user's own
    return word[0] if path else own_name(word[0].lower())


def _own_override(override: str) -> str:
    key, _, value = override.partition("=")
    if key != "activation" or value.startswith("{"):
        return override
    return f"{key}=" + _WORD.sub(_own_word, value)
