"""The activation functions of a model as text, with the values that they learned."""

from collections.abc import Iterator
from pathlib import Path

from torch import nn

from activation_search.activations import Activation
from activation_search.exporting.predictor import Exportable

FILE = "activations.txt"
LEGEND = (
    "s is the sigmoid, sp softplus, Phi the normal distribution function; "
    '"l; r" gives the branches x > 0; x <= 0.'
)


def write(model: Exportable, folder: Path) -> None:
    """Writes a paragraph for each site."""
    network = model.module.network
    paragraphs = [
        "\n".join(describe(site, activation, network.activations[site]))
        for site, activation in network.assignment.items()
    ]
    (folder / FILE).write_text("\n\n".join([*paragraphs, LEGEND]) + "\n", encoding="utf-8")


def describe(site: str, activation: Activation, module: nn.Module) -> Iterator[str]:
    """Name, formula, settings, and each learned tensor with all its values."""
    entry = activation.entry
    yield f"{site}: {entry.name}"
    yield f"    {entry.formula}"
    settings = {name: parameter.default for name, parameter in entry.parameters.items()}
    for name, value in (settings | dict(activation.parameters)).items():
        if name not in entry.learns:
            yield f"    {name} = {value}"
    for name, tensor in module.named_parameters():
        values = " ".join(f"{value:.7g}" for value in tensor.flatten().tolist())
        yield f"    {name} {list(tensor.shape)} = {values}"
