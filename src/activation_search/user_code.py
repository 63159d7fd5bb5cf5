"""Functions of the user's own, by their import path.

Importing a module runs it. So a path is followed only where the user names it, on the command line
or in Python; one that stands in a file, such as a checkpoint, needs the user's permission.
"""

import inspect
import sys
from collections.abc import Callable, Collection
from difflib import get_close_matches
from functools import cache
from hashlib import sha256
from pathlib import Path
from pydoc import locate
from typing import Any

from activation_search.errors import UserError


def check_trusted(
    paths: Collection[str], where: object, trust: bool, named: Collection[str] = ()
) -> None:
    """Lets import paths that stand in a file pass only with the user's permission.

    Args:
        paths: what the file names.
        where: the file, for the error.
        trust: whether the user trusts the file.
        named: paths that the user has named as well, and so permits.

    Raises:
        UserError: a path is neither named nor trusted.
    """
    unnamed = [path for path in paths if path not in named]
    if unnamed and not trust:
        raise UserError(
            f"{where} names code, which would be imported and run: {', '.join(sorted(unnamed))}. "
            "If you trust that file, say so: trust=true, in Python trust=True."
        )


@cache
def find(path: str) -> Any:
    """What a dotted path names, or ``None``: imported as far as it is a module."""
    return locate(path)


def own_callable(setting: str, path: str) -> Callable[..., Any]:
    """A function or class of the user's.

    Args:
        setting: the key that names it, for the error.
        path: ``module.function``; the module is installed or lies in the working folder.

    Raises:
        UserError: the import fails, or finds nothing that can be called.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.insert(0, here)
    try:
        # A notebook's cell may run again, and define it anew.
        target = locate(path) if path.startswith("__main__.") else find(path)
    except Exception as error:  # whatever the user's module raises while it is imported
        raise UserError(f"Importing {setting}={path} failed: {error}") from error
    if not callable(target):
        raise _not_found(setting, path, here)
    return target


def _not_found(setting: str, path: str, here: str) -> UserError:
    """What is wrong with a path that names nothing callable."""
    module, _, name = path.rpartition(".")
    members = vars(find(module)) if inspect.ismodule(find(module)) else {}
    functions = [key for key, value in members.items() if callable(value) and key[:1] != "_"]
    close = get_close_matches(name, functions, n=1)
    guess = f", did you mean {module}.{close[0]}?" if close else ";"
    return UserError(
        f"{setting}={path} names nothing callable{guess} it should be module.function, "
        f"the module lying in {here}, or installed, or on PYTHONPATH."
    )


def call_own(setting: str, path: str, *given: Any, **arguments: Any) -> Any:
    """What a function or class of the user's returns.

    Args:
        setting: the key that names it, for the error.
        path: see :func:`own_callable`.
        *given, **arguments: what it is called with.

    Raises:
        UserError: it cannot be found, or raises an error.
    """
    target = own_callable(setting, path)
    try:
        return target(*given, **arguments)
    except (Exception, SystemExit) as error:  # whatever the user's code raises
        raise UserError(f"{setting}={path} failed: {type(error).__name__}: {error}") from error


def takes(target: Callable[..., Any], argument: str) -> bool:
    """Whether a function or class names an argument among its own."""
    try:
        return argument in inspect.signature(target).parameters
    except ValueError:  # built in, without a signature
        return False


def source_hash(target: Callable[..., Any]) -> str:
    """SHA-256 of the source file of a function or class; of its own source where a notebook has no
    file, and of its name where there is none at all."""
    target = inspect.unwrap(target)
    try:
        content = Path(inspect.getsourcefile(target) or "").read_bytes()
    except (TypeError, OSError):
        try:
            content = inspect.getsource(target).encode()
        except (TypeError, OSError):
            content = getattr(target, "__qualname__", repr(target)).encode()
    return sha256(content).hexdigest()
