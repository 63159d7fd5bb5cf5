"""Pre-activations of every site on one fixed batch, without disturbing the run."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from activation_search.models.network import Network

PROBE_SIZE = 512


def probe_batch(trainer: pl.Trainer, pl_module: Any) -> Tensor:
    """The samples that every reading of a run looks at: the first ones of the training split."""
    data: Any = trainer.datamodule  # type: ignore[attr-defined]
    size = min(PROBE_SIZE, data.evaluation_batch)
    return pl_module.inputs(data.train.batch(slice(0, size))[0])


@contextmanager
def evaluating(module: nn.Module) -> Iterator[None]:
    """The module in evaluation mode: no batch statistics move and no random number is drawn.

    Each part is left in its own mode: a user may have frozen some by ``eval()``.
    """
    modes = [(part, part.training) for part in module.modules()]
    was_training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(was_training)  # what some parts do at a change of mode is undone
        for part, training in modes:
            part.training = training


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """Leaves the run's random generators as they are, whatever a function of the user's draws."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        yield


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Batch normalisation by the batch at hand, as in training, without keeping what it saw.

    Before the first steps the running statistics are no statistics of anything.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm)]
    kept = [(norm.running_mean, norm.running_var) for norm in norms]
    for norm in norms:
        norm.running_mean = norm.running_var = None
    try:
        yield
    finally:
        for norm, (mean, var) in zip(norms, kept, strict=True):
            norm.running_mean, norm.running_var = mean, var


@torch.no_grad()
def preactivations(network: Network, x: Tensor) -> dict[str, Tensor]:
    """What goes into each site's activation for the samples ``x``: in evaluation mode, but for
    batch normalisation, which uses the statistics of ``x``.

    Returns:
        site -> ``[B, ...]`` in the layout of that site; where it acts once per time step, all
        steps one after the other, ``[T * B, ...]``. Of series whose length varies the steps that
        are there, ``[positions, channels]``.
    """
    seen: dict[str, list[Tensor]] = defaultdict(list)
    handles = [
        module.register_forward_pre_hook(lambda _, args, site=site: seen[site].append(args[0]))
        for site, module in network.activations.items()
    ]
    network.expose_sites(True)
    try:
        with evaluating(network), batch_statistics(network), own_random_numbers(x.device):
            network(x)
    finally:
        network.expose_sites(False)
        for handle in handles:
            handle.remove()
    # A site of a user's model may act in training alone, and on inputs of several sizes; one whose
    # number of channels varies has no units to tell of.
    found = {}
    for site in network.activations:
        dim = network.layouts[site][1]
        shapes = [z.shape for z in seen[site]]
        # A single number, such as a learned gate, has no channels at all.
        if all(shapes) and len({shape[dim] if len(shape) > dim else 0 for shape in shapes}) == 1:
            found[site] = _joined(seen[site], dim)
    mask = network.valid_positions(x)
    return found if mask is None else {site: z[mask] for site, z in found.items()}


def _joined(inputs: list[Tensor], channel_dim: int) -> Tensor:
    """All inputs of a site as one; those of several sizes as ``[positions, channels]``."""
    if len({z.shape[1:] for z in inputs}) == 1:
        return torch.cat(inputs)
    return torch.cat([z.movedim(channel_dim, -1).flatten(0, -2) for z in inputs])
