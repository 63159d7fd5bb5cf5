"""The repository's scripts, which tests run."""

from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]

# ``command("train.py", "activation=gelu")`` gives the exit code.
Command = Callable[..., int]
