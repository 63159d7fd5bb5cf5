"""The graph of ``torch.export`` as Python: an operator in each line, under the module it is of."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor
from torch.export import ExportedProgram
from torch.fx import Graph, Node

from activation_search.exporting.definitions import BASE, Imports
from activation_search.exporting.predictor import Exportable
from activation_search.exporting.trace import trace

CLASS = f"""\
class Graph({BASE}):
    \"\"\"What the model computes, operator by operator.\"\"\"

    def forward(self, x: Tensor) -> Tensor:
"""


@dataclass(frozen=True)
class Parts:
    """What a file of a model is put together from.

    Attributes:
        imports: for it.
        definitions: of classes and functions.
        expression: that builds the model.
        weights: its state.
    """

    imports: Imports
    definitions: str
    expression: str
    weights: dict[str, Tensor]


def graph_parts(model: Exportable) -> Parts:
    """The model as a class whose ``forward`` is the graph."""
    program = trace(model)
    graph = program.graph_module.graph
    _simplify(graph)
    weights = _weights(program)
    written = graph.python_code("self")
    body = "\n".join(_lines(written.src, {node.name: node for node in graph.nodes}, weights))
    imports: Imports = set()
    for name, value in written.globals.items():
        if re.search(rf"\b{name}\b", body):
            module = "math" if isinstance(value, float) else getattr(value, "__module__", name)
            imports.add((name, "") if inspect.ismodule(value) else (module, name))
    members = [
        f"    {name}=torch.empty({tuple(tensor.shape)}, dtype={tensor.dtype}),"
        for name, tensor in weights.items()
    ]
    expression = "\n".join(["Graph(", *members, ")"])
    return Parts(imports, f"aten = torch.ops.aten\n\n\n{CLASS}{body}", expression, weights)


def _simplify(graph: Graph) -> None:
    """Without what checks types, or changes none."""
    for node in reversed(graph.nodes):
        if str(node.target) == "aten.to.dtype" and _dtype(node) == _dtype(node.args[0]):
            node.replace_all_uses_with(node.args[0])
        if node.op == "call_function" and not node.users:
            graph.erase_node(node)


def _dtype(node: Node) -> object:
    return node.meta["val"].dtype


def _weights(program: ExportedProgram) -> dict[str, Tensor]:
    """Name in the graph -> tensor."""
    signature, stored = program.graph_signature, {**program.state_dict, **program.constants}
    names = {
        **signature.inputs_to_parameters,
        **signature.inputs_to_buffers,
        **signature.inputs_to_lifted_tensor_constants,
    }
    used = {node.name for node in program.graph.nodes if node.users}
    return {name: stored[path].detach() for name, path in names.items() if name in used}


def _lines(source: str, nodes: dict[str, Node], weights: dict[str, Tensor]) -> Iterator[str]:
    """The body of ``forward``."""
    path = ""
    start = source.index("\n", source.index("def forward")) + 1
    for line in source[start:].rstrip().splitlines():
        line = re.sub(r";  .* = None$", "", line.strip())
        line = line.replace("torch.ops.aten.", "aten.").replace(".default(", "(")
        line = re.sub(r"^return \((\w+),\)$", r"return \1", line)
        name = line.partition(" = ")[0]
        stack = nodes[name].meta.get("nn_module_stack") if name in nodes else None
        if stack and path != (path := list(stack.values())[-1][0]):
            yield f"        # {path}" if path else ""
        yield "        " + re.sub(r"\b[pbc]_\w+\b", lambda m: _own(m[0], weights), line)


def _own(name: str, weights: dict[str, Tensor]) -> str:
    return f"self.{name}" if name in weights else name
