"""What every model shows to training, diagnostics and search."""

from collections.abc import Sequence

from torch import Tensor, nn

from activation_search.models.sites import Assignment, Site


class Network(nn.Module):
    """A model whose activations stand at named sites.

    layers: layer name -> the module with its weights; a site and the layer before it share a name.
    activations: site -> its activation, a module of its own.
    reads: path below ``layers`` -> site whose output the weights there read; weights without an
        entry read the input or something normalised.
    """

    def __init__(self, assignment: Assignment):
        super().__init__()
        self.assignment = assignment
        self.layers = nn.ModuleDict()
        self.activations = nn.ModuleDict()
        self.reads: dict[str, str] = {}

    @staticmethod
    def sites(config) -> Sequence[Site]:
        """The model's sites in the order in which a sample passes them."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        """From a batch of samples ``[B, ...]`` to raw outputs ``[B, outputs]``."""
        raise NotImplementedError

    def expose_sites(self, exposed: bool) -> None:
        """Whether every site must run as its own module, for hooks; some models fuse them."""
