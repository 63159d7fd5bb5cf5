"""The source of classes and functions of this package, with all that it uses, as one text.

Only what is used is taken: of a class of modules the methods that something taken mentions, of a
file the functions, classes and values that these mention. What comes from elsewhere is imported.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import nn

PACKAGE = "activation_search"
BASE = "Part"  # in place of nn.Module: is built from its parts, not from settings
CALLED = {"forward", "_apply"}  # methods that torch calls

Key = tuple[str, str]  # module and name
Imports = set[tuple[str, str]]  # module and name in it; no name for the module itself


@dataclass
class Definitions:
    """Collects source.

    Attributes:
        imports: what comes from elsewhere.
        attributes: names behind a dot in what is taken, which decide what else of a class is.
    """

    imports: Imports = field(default_factory=set)
    attributes: set[str] = field(default_factory=lambda: set(CALLED))
    # What is taken -> its statements, of a class of modules its members; and what it mentions.
    _taken: dict[Key, list[ast.stmt]] = field(default_factory=dict)
    _mentions: dict[Key, list[Key]] = field(default_factory=dict)

    def add(self, things: Iterable[Any]) -> None:
        """Takes classes and functions, and whatever they use."""
        for thing in things:
            self._take(thing.__module__, thing.__qualname__)
        grown = True
        while grown:
            grown = sum(self._take_members(key) for key in list(self._taken)) > 0

    def text(self) -> str:
        """All definitions, each after those that it mentions."""
        order: dict[Key, None] = {}

        def visit(key: Key, above: tuple[Key, ...]) -> None:
            if key not in order and key not in above:
                for mentioned in self._mentions[key]:
                    visit(mentioned, (*above, key))
                order[key] = None

        for key in self._taken:
            visit(key, ())
        assert len({name for _, name in order}) == len(order), "two definitions of one name"
        return "\n\n\n".join(filter(None, map(self._definition, order)))

    def _take(self, module: str, name: str) -> Key | None:
        """Takes what a name of a file stands for; ``None`` for what is imported, or Python's."""
        statement = _bindings(module).get(name)
        if isinstance(statement, ast.Import | ast.ImportFrom):
            [alias] = [a for a in statement.names if name in (a.asname, a.name.split(".")[0])]
            if isinstance(statement, ast.ImportFrom):
                origin = str(statement.module)
                if origin.startswith(f"{PACKAGE}."):
                    return self._take(origin, alias.name)
                self.imports.add((origin, ast.unparse(alias)))
            else:
                self.imports.add((ast.unparse(alias), ""))
            return None
        key = module, name
        if statement is not None and key not in self._taken:
            self._taken[key], self._mentions[key] = [], []
            if not _is_part(key):
                self._taken[key].append(statement)
                self._take_names(key, statement)
            for base in getattr(statement, "bases", []):
                self._take_names(key, base)
        return key if statement is not None else None

    def _take_members(self, key: Key) -> bool:
        """Takes the members of a class of modules that are mentioned by now; whether any were
        new."""
        if not _is_part(key):
            return False
        called = [member for member in _body(key) if self.attributes & set(_names(member))]
        new = [m for m in called if m not in self._taken[key] and not _is_abstract(m)]
        for member in new:
            self._taken[key].append(member)
            self._take_names(key, member)
        return bool(new)

    def _take_names(self, key: Key, piece: ast.AST) -> None:
        """Takes what a piece of a definition mentions."""
        for node in ast.walk(piece):
            if isinstance(node, ast.Attribute):
                self.attributes.add(node.attr)
            elif isinstance(node, ast.Name):
                found = self._take(key[0], node.id)
                if found is not None and found not in self._mentions[key]:
                    self._mentions[key].append(found)

    def _definition(self, key: Key) -> str:
        """The text of one; none of a class of modules that gives its heirs nothing."""
        if not _is_part(key):
            return "\n".join(_text(key[0], statement) for statement in self._taken[key])
        if not self._taken[key]:
            return ""
        cls = getattr(import_module(key[0]), key[1])
        lines = [f"class {key[1]}({', '.join(dict.fromkeys(self._bases(cls)))}):"]
        if cls.__doc__ and cls.__doc__ != getattr(cls.__base__, "__doc__", None):
            # Its first paragraph, since what follows is about settings and training.
            lines += [f'    """{cls.__doc__.split(chr(10) * 2)[0].rstrip()}"""', ""]
        for member in sorted(self._taken[key], key=lambda member: member.lineno):
            if isinstance(member, ast.FunctionDef) and len(lines) > 1 and lines[-1]:
                lines.append("")
            lines.append(_text(key[0], member))
        return "\n".join(lines)

    def _bases(self, cls: type) -> Iterator[str]:
        for base in cls.__bases__:
            if base is nn.Module:
                yield BASE
            elif not _is_ours(base) or self._taken[base.__module__, base.__name__]:
                yield base.__name__
            else:
                yield from self._bases(base)


def import_text(imports: Imports) -> str:
    """The statements, torch's last."""
    lines = []
    for module in sorted({m for m, _ in imports}, key=lambda m: (m.startswith("torch"), m)):
        names = sorted(name for m, name in imports if m == module)
        if not names[0]:
            lines.append(f"import {module}")
        if any(names):
            lines.append(f"from {module} import {', '.join(filter(None, names))}")
    return "\n".join(lines)


@cache
def _source(module: str) -> str:
    return Path(str(import_module(module).__file__)).read_text(encoding="utf-8")


@cache
def _bindings(module: str) -> dict[str, ast.stmt]:
    """The statements at the top of a file, by the names that they bind."""
    statements = ast.parse(_source(module)).body
    return {name: statement for statement in statements for name in _names(statement)}


def _names(statement: ast.stmt) -> list[str]:
    """What a statement binds."""
    if isinstance(statement, ast.Import | ast.ImportFrom):
        return [alias.asname or alias.name.split(".")[0] for alias in statement.names]
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return [statement.name]
    targets = getattr(statement, "targets", [getattr(statement, "target", None)])
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _is_ours(thing: Any) -> bool:
    return str(thing.__module__).startswith(f"{PACKAGE}.")


def _is_abstract(member: ast.stmt) -> bool:
    """Whether a method is there to be overridden."""
    last = member.body[-1] if isinstance(member, ast.FunctionDef) else None
    return isinstance(last, ast.Raise) and "NotImplementedError" in ast.unparse(last)


def _is_part(key: Key) -> bool:
    """Whether a name is that of a class of modules."""
    found = getattr(import_module(key[0]), key[1])
    return isinstance(found, type) and issubclass(found, nn.Module)


def _body(key: Key) -> list[ast.stmt]:
    statement = _bindings(key[0])[key[1]]
    assert isinstance(statement, ast.ClassDef)
    return statement.body


def _text(module: str, statement: ast.stmt) -> str:
    """With decorators, and with the comment above."""
    lines = _source(module).splitlines()
    first = min(node.lineno for node in [statement, *getattr(statement, "decorator_list", [])])
    while lines[first - 2].lstrip().startswith("#"):
        first -= 1
    return "\n".join(lines[first - 1 : statement.end_lineno])
