"""A model as one file of Python that needs torch alone, and its weights.

A model of ours is the source of its classes and an expression that puts them together. Of a model
or function of the user's own, whose activations are called from inside the user's code, it is the
graph of ``torch.export``.
"""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from string import Template

import torch
from torch import Tensor, nn

from activation_search.config.models import FunctionModelConfig
from activation_search.config.run import activation_imports
from activation_search.exporting.assemble import Assembly
from activation_search.exporting.definitions import BASE, import_text
from activation_search.exporting.graph import Parts, graph_parts
from activation_search.exporting.predictor import Exportable

FILE, WEIGHTS = "model.py", "model_weights.pt"

IMPORTS = {("torch", ""), ("torch", "Tensor"), ("torch", "nn"), ("pathlib", "Path"),
           ("typing", "Any")}  # fmt: skip
TEMPLATE = Template('''\
"""$title

    from model import load

    model = load()  # reads $weights beside this file
    y = model(x)

x: $input
y: $output

Written by activation-search; needs torch alone.
"""

from __future__ import annotations

$imports


class $base(nn.Module):
    """A module made of its settings, parts and weights."""

    def __init__(self, **members: Any):
        super().__init__()
        for name, member in members.items():
            if isinstance(member, Tensor) and not isinstance(member, nn.Parameter):
                self.register_buffer(name, member)
            else:
                setattr(self, name, member)


$definitions


def build() -> nn.Module:
    """The model, its weights not yet read."""
    return $expression


def load(path: str | Path = Path(__file__).with_name("$weights")) -> nn.Module:
    """The model with its weights, in evaluation mode."""
    model = build()
    # Assigned, so that each tensor keeps its type.
    model.load_state_dict(torch.load(path, weights_only=True), assign=True)
    return model.eval()
''')


def write(model: Exportable, folder: Path) -> Callable[[Tensor], Tensor]:
    """Writes the file and its weights, and loads both."""
    parts = graph_parts(model) if _is_written_by_the_user(model) else _source_parts(model)
    config = model.module.config
    text = TEMPLATE.substitute(
        model.meaning,
        title=f"{config.model.label} on {config.data.label}.",
        weights=WEIGHTS,
        base=BASE,
        imports=import_text(parts.imports | IMPORTS),
        definitions=parts.definitions,
        expression=parts.expression.replace("\n", "\n    "),
    )
    (folder / FILE).write_text(text, encoding="utf-8")
    torch.save(parts.weights, folder / WEIGHTS)
    return _load(folder / FILE)


def _is_written_by_the_user(model: Exportable) -> bool:
    """Whether any of it is code or a formula of the user's, which no source of ours shows."""
    config = model.module.config
    formulas = {activation.name for activation in config.activation.activations} & {"formula"}
    own = activation_imports(config.activation.as_dict())
    return bool(own or formulas) or isinstance(config.model, FunctionModelConfig)


def _source_parts(model: Exportable) -> Parts:
    assembly = Assembly(model.predictor)
    definitions = assembly.definitions
    weights = model.predictor.state_dict()
    return Parts(definitions.imports, definitions.text(), assembly.expression, weights)


def _load(path: Path) -> nn.Module:
    spec = importlib.util.spec_from_file_location("exported_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    loaded: nn.Module = module.load()
    return loaded
