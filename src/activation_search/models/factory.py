"""From the keys of a model to the model, its activations in place and its weights drawn."""

from collections.abc import Mapping
from typing import Any

import psutil
import torch

from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.cnn import CNN
from activation_search.models.config import ModelConfig
from activation_search.models.initialise import initialise
from activation_search.models.lstm import LSTM
from activation_search.models.mlp import MLP
from activation_search.models.network import Network
from activation_search.models.sites import Assignment, assign
from activation_search.models.transformer import Transformer
from activation_search.seeds import derive

MODELS: dict[str, Any] = {
    "mlp": MLP,
    "cnn": CNN,
    "lstm": LSTM,
    "transformer": Transformer,
}
# Kinds of samples that each model reads, and which ones read series whose length varies.
READS: dict[str, tuple[str, ...]] = {
    "mlp": ("vector", "series", "image"),
    "cnn": ("series", "image"),
    "lstm": ("series", "image", "tokens"),
    "transformer": ("series", "image", "tokens"),
}
READS_VARYING = ("lstm", "transformer")


def readers(kind: str, varies: bool = False) -> list[str]:
    """The models that read samples of a kind."""
    return [
        name
        for name, kinds in READS.items()
        if kind in kinds and (name in READS_VARYING or not varies)
    ]


def check_reads(model: str, sample: Sample) -> None:
    """Whether a model reads such samples.

    Raises:
        UserError: it does not; names those that do.
    """
    able = readers(sample.kind, sample.varies)
    if model not in able:
        kind = f"{sample.kind} of varying length" if sample.varies else sample.kind
        raise UserError(
            f"model={model} cannot read samples of kind {kind}; models that can: {', '.join(able)}."
        )


def build_network(
    config: ModelConfig,
    activation: Mapping[str, Any],
    sample: Sample,
    outputs: int,
    init: str = "gain",
    seed: int = 0,
) -> Network:
    """A model with its activations in place and its weights drawn.

    Args:
        config: the model's keys.
        activation: what to put where, see :func:`activation_search.models.sites.assign`.
        sample: what the data set hands over.
        outputs: width of the output layer.
        init: how weights are drawn, see :func:`activation_search.models.initialise.initialise`.
        seed: the run's seed.

    Raises:
        UserError: see :func:`assign`; also samples that the model cannot read, widths that do not
            fit together, and a model that does not fit into memory.
    """
    check_reads(config.name, sample)
    model = MODELS[config.name]
    assignment = assign(model.sites(config), activation)
    _check_memory(count_weights(config, assignment, sample, outputs))
    with torch.random.fork_rng(devices=[]):
        # For activations of the user's own that draw their start values.
        torch.default_generator.manual_seed(derive(seed, "activations"))
        # Each model takes its own kind of configuration, which the table of types cannot say.
        network: Network = model(config, sample, outputs, assignment)
    initialise(network, init, seed)
    return network


def count_weights(config: ModelConfig, assignment: Assignment, sample: Sample, outputs: int) -> int:
    """How many weights a model has, without those of its activations; nothing is allocated.

    Raises:
        UserError: its settings do not fit together.
    """
    with torch.device("meta"):
        network: Network = MODELS[config.name](config, sample, outputs, assignment)
    return sum(parameter.numel() for parameter in network.parameters())


def _check_memory(weights: int) -> None:
    """Weight, gradient and two moments of the optimizer, four bytes each."""
    needed, free = 16 * weights, psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"This model has {weights:,} weights, which take {needed / 1e9:,.0f} GB to train, and "
            f"{free / 1e9:,.0f} GB are free; choose a smaller model.width or model.depth."
        )
