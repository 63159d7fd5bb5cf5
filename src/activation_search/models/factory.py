"""From the keys of a model to the model, its activations in place and its weights drawn."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from importlib import import_module
from typing import Any

import psutil
import torch

from activation_search.config.data import DataConfig
from activation_search.config.models import MODEL_CONFIGS, FunctionModelConfig, ModelConfig
from activation_search.config.run import Config
from activation_search.data.registry import HASH_DIGITS, load_source, pinned
from activation_search.data.sample import Sample, Target
from activation_search.errors import UserError, unknown
from activation_search.models.initialise import initialise
from activation_search.models.network import Network
from activation_search.models.sites import Assignment, GivenActivations, Site, assign
from activation_search.seeds import derive
from activation_search.user_code import own_callable, source_hash


def network_class(model: str) -> type[Network]:
    """The network that ``model=`` names.

    Raises:
        UserError: there is no such model.
    """
    if model not in MODEL_CONFIGS:
        raise unknown("model", model, MODEL_CONFIGS)
    module, _, name = MODEL_CONFIGS[model].network.rpartition(".")
    found: type[Network] = getattr(import_module(module), name)
    return found


def sites_of(config: ModelConfig, sample: Sample, outputs: int) -> Sequence[Site]:
    """The sites of a model in the order in which a sample passes them."""
    return network_class(config.name).sites(config, sample, outputs)


def sites_on(model: ModelConfig, data: DataConfig) -> Sequence[Site]:
    """The sites of a model on a data set.

    Raises:
        UserError: the data cannot be read.
    """
    source = load_source(data)
    check_reads(model.name, source.sample)
    check_target(model, source.sample, source.target)
    return sites_of(model, source.sample, source.target.size)


def pinned_sources(config: Config) -> Config:
    """The configuration with the hashes of the user's own data and code that it names.

    Raises:
        UserError: see :func:`activation_search.data.registry.pinned`; or the source of a model, an
            optimizer or a callback is another one than the configuration states.
    """
    model, optim, trainer = config.model, config.optim, config.trainer
    if isinstance(model, FunctionModelConfig) and model.function:
        named = [("model.function", model.function)]
        model = replace(model, sha256=_pinned_code(named, "model.sha256", model.sha256))
    if own := optim.own():
        found = _pinned_code(list(own.items()), "optim.sha256", optim.sha256)
        optim = replace(optim, sha256=found)
    if callbacks := trainer.own("callbacks"):
        named = [("trainer.callbacks", path) for path in callbacks]
        key = "trainer.callbacks_sha256"
        found = _pinned_code(named, key, trainer.callbacks_sha256)
        trainer = replace(trainer, callbacks_sha256=found)
    return replace(config, data=pinned(config.data), model=model, optim=optim, trainer=trainer)


def _pinned_code(named: list[tuple[str, str]], key: str, stated: str | None) -> str:
    """First digits of the hash of the sources of the user's own code; of several, of their hashes.

    Args:
        named: setting and import path of each.
        key: the setting that keeps the digits.
        stated: what it holds.

    Raises:
        UserError: they are others than stated.
    """
    hashes = [source_hash(own_callable(setting, path)) for setting, path in named]
    found = hashes[0] if len(hashes) == 1 else sha256("".join(hashes).encode()).hexdigest()
    if stated and not found.startswith(stated):
        code = ", ".join(f"{setting}={path}" for setting, path in named)
        raise UserError(
            f"The source of {code} has changed: {key}={stated}, and now it is "
            f"{found[:HASH_DIGITS]}."
        )
    return found[:HASH_DIGITS]


def readers(kind: str, varies: bool = False) -> list[str]:
    """The models that read samples of a kind."""
    return [name for name in MODEL_CONFIGS if _reads(network_class(name), kind, varies)]


def _reads(network: type[Network], kind: str, varies: bool) -> bool:
    return kind in network.input_kinds and (network.reads_varying or not varies)


def check_reads(model: str, sample: Sample) -> None:
    """Whether a model reads such samples.

    Raises:
        UserError: it does not; names those that do.
    """
    if not _reads(network_class(model), sample.kind, sample.varies):
        able = readers(sample.kind, sample.varies)
        kind = f"{sample.kind} of varying length" if sample.varies else sample.kind
        raise UserError(
            f"model={model} cannot read samples of kind {kind}; models that can: {', '.join(able)}."
        )


def check_target(config: ModelConfig, sample: Sample, target: Target) -> None:
    """Whether a model leaves the output's function to the task.

    Raises:
        UserError: it does not.
    """
    network_class(config.name).check_target(config, sample, target)


def build_network(
    config: ModelConfig,
    activation: GivenActivations,
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
    assignment = assign(sites_of(config, sample, outputs), activation)
    _check_memory(count_weights(config, assignment, sample, outputs))
    with torch.random.fork_rng(devices=[]):
        # For activations of the user's own that draw their start values.
        torch.default_generator.manual_seed(derive(seed, "activations"))
        network = _build(config, sample, outputs, assignment)
    initialise(network, init, seed)
    return network


def _build(config: ModelConfig, sample: Sample, outputs: int, assignment: Assignment) -> Network:
    # Each model takes its own kind of settings, which the common type cannot state.
    build: Any = network_class(config.name)
    network: Network = build(config, sample, outputs, assignment)
    return network


def count_weights(config: ModelConfig, assignment: Assignment, sample: Sample, outputs: int) -> int:
    """How many weights a model has, without those of its activations; nothing is allocated.

    Returns:
        0 for a model of the user's own, whose size is known once it is built.

    Raises:
        UserError: its settings do not fit together.
    """
    if isinstance(config, FunctionModelConfig):
        return 0
    with torch.device("meta"):
        network = _build(config, sample, outputs, assignment)
    return sum(parameter.numel() for parameter in network.parameters())


def _check_memory(weights: int) -> None:
    """Weight, gradient and two moments of the optimizer, four bytes each."""
    needed, free = 16 * weights, psutil.virtual_memory().available
    if needed > free:
        raise UserError(
            f"This model has {weights:,} weights, which take {needed / 1e9:,.0f} GB to train, and "
            f"{free / 1e9:,.0f} GB are free; choose a smaller model.width or model.depth."
        )
