"""What every model shows to training, diagnostics and search."""

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from activation_search.activations.factory import build
from activation_search.data.sample import Sample, Target
from activation_search.models.sites import Assignment, Site


def valid_steps(x: Tensor) -> Tensor:
    """Which steps of series ``[B, T, F]`` are valid, not NaN: ``[B, T]``."""
    return ~x.isnan().any(-1)


def mean_over(x: Tensor, mask: Tensor) -> Tensor:
    """Mean of ``[B, T, width]`` over the valid steps: ``[B, width]``."""
    weights = mask.unsqueeze(-1).to(x.dtype)
    return (x * weights).sum(1) / weights.sum(1)


class Network(nn.Module):
    """A model whose activations stand at named sites.

    A model states what it reads and how it is compared:

    input_kinds: kinds of samples that it reads.
    reads_varying: whether it reads series whose length varies.
    baseline: the activation that others are compared with, for all its sites.
    feeds_back: whether what leaves a site is read again at the next step, as in a recurrent cell.

    Each instance has:

    layers: layer name -> the module with its weights; a site and the layer before it share a name.
    activations: site -> its activation, a module of its own.
    scaled_by: path below ``layers`` -> site whose output the weights there read; weights without an
        entry read the input or something normalised.
    layouts: site -> number of channels that its activation reads, and their dimension.
    """

    input_kinds: ClassVar[tuple[str, ...]] = ()
    reads_varying: ClassVar[bool] = False
    baseline: ClassVar[str] = "relu"
    feeds_back: ClassVar[bool] = False

    def __init__(self, assignment: Assignment):
        super().__init__()
        self.assignment = assignment
        self.layers = nn.ModuleDict()
        self.activations = nn.ModuleDict()
        self.scaled_by: dict[str, str] = {}
        self.layouts: dict[str, tuple[int, int]] = {}

    def add_site(self, site: str, channels: int, channel_dim: int = 1) -> None:
        """Builds the activation of a site.

        Args:
            site: its name.
            channels: number of channels that it reads.
            channel_dim: where they lie, 1 or -1.
        """
        if torch.get_default_device().type == "meta":  # only the size of the model is wanted
            self.activations[site] = nn.Identity()
        else:
            self.activations[site] = build(
                self.assignment[site], channels=channels, channel_dim=channel_dim
            )
        self.layouts[site] = (channels, channel_dim)

    @staticmethod
    def sites(config: Any, sample: Sample, outputs: int) -> Sequence[Site]:
        """The model's sites in the order in which a sample passes them.

        Args:
            config: the model's own settings.
            sample: what the data set hands over.
            outputs: width of the output layer.
        """
        raise NotImplementedError

    @classmethod
    def check_target(cls, config: Any, sample: Sample, target: Target) -> None:
        """Whether the model leaves the output's function to the task.

        Raises:
            UserError: it does not.
        """

    def forward(self, x: Tensor) -> Tensor:
        """From a batch of samples ``[B, ...]`` to raw outputs ``[B, outputs]``; of tokens to one
        output for each, ``[B, T, outputs]``, which sees that token and those before it."""
        raise NotImplementedError

    def valid_positions(self, x: Tensor) -> Tensor | None:
        """Of series whose length varies: which positions that sites see are valid, in the
        layout of what an activation reads but for the channels; ``None`` where all are."""
        return None

    @property
    def assignment_text(self) -> dict[str, str]:
        """Site -> its activation, as people write it."""
        return {site: str(activation) for site, activation in self.assignment.items()}

    @property
    def signal_path(self) -> list[str]:
        """Sites whose outputs should keep one scale, in the order in which the signal passes."""
        return list(self.assignment)

    def expose_sites(self, exposed: bool) -> None:
        """Whether every site must run as its own module, for hooks; some models fuse them."""
