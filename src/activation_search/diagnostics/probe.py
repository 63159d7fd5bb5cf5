"""Pre-activations of every site on one fixed batch, without disturbing the run."""

from collections import defaultdict

import torch
from torch import Tensor

from activation_search.models.network import Network

PROBE_SIZE = 512


@torch.no_grad()
def preactivations(network: Network, x: Tensor) -> dict[str, Tensor]:
    """What goes into each site's activation for the samples ``x``.

    Runs in evaluation mode, so that no batch statistics move and no random number is drawn. Where
    a site acts once per time step, its pre-activations are stacked on dimension 1.

    Returns:
        site -> ``[B, ...]`` in the layout of that site.
    """
    seen: dict[str, list[Tensor]] = defaultdict(list)
    handles = [
        module.register_forward_pre_hook(lambda _, args, site=site: seen[site].append(args[0]))
        for site, module in network.activations.items()
    ]
    was_training = network.training
    network.eval()
    network.expose_sites(True)
    try:
        network(x)
    finally:
        network.expose_sites(False)
        network.train(was_training)
        for handle in handles:
            handle.remove()
    stacked = {site: z[0] if len(z) == 1 else torch.stack(z, 1) for site, z in seen.items()}
    return {site: stacked[site] for site in network.activations}
