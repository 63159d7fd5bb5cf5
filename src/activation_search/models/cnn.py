"""Convolutional network over a series (1-D) or an image (2-D).

    python train.py model=cnn data=digits

Published reference: ``experiment=mnist1d_cnn``.
"""

from collections.abc import Callable

from torch import Tensor, nn

from activation_search.config.models import CNNConfig
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.network import Network
from activation_search.models.sites import Assignment, Site

CONVOLUTIONS: dict[str, type[nn.Conv1d | nn.Conv2d]] = {"series": nn.Conv1d, "image": nn.Conv2d}
NORMS: dict[str, dict[str, Callable[[int], nn.Module]]] = {
    "none": {"series": nn.Identity, "image": nn.Identity},
    "batch": {"series": nn.BatchNorm1d, "image": nn.BatchNorm2d},
}
# From [B, C, positions] to [B, features].
POOLS: dict[str, Callable[[Tensor], Tensor]] = {
    "flatten": lambda x: x.flatten(1),
    "mean": lambda x: x.mean(2),
    "max": lambda x: x.amax(2),
}


class CNN(Network):
    """``depth`` convolutions, each conv -> norm -> activation -> dropout (+ its input), then
    ``fc_depth`` fully connected layers. Padding keeps a length at stride 1."""

    input_kinds = ("series", "image")

    def __init__(self, config: CNNConfig, sample: Sample, outputs: int, assignment: Assignment):
        super().__init__(assignment)
        self.kind = sample.kind
        self.stride = config.stride
        self.residual = config.residual
        self.pool = config.pool
        self.dropout = nn.Dropout(config.dropout)
        self.conv_sites = [site for site in assignment if site.startswith("conv")]
        self.fc_sites = [site for site in assignment if site.startswith("fc")]
        width = sample.shape[sample.channel_axis]
        lengths = [n for axis, n in enumerate(sample.shape) if axis != sample.channel_axis]
        previous = ""
        for site in self.conv_sites:
            key = "kernel" if previous else "first_kernel"
            kernel = getattr(config, key)
            if kernel % 2 == 0:
                raise UserError(f"model.{key} must be odd, not {kernel}.")
            inner = assignment[site].entry.input_width(config.width)
            convolution = CONVOLUTIONS[self.kind]
            self.layers[site] = nn.Sequential(
                convolution(width, inner, kernel, config.stride, padding=kernel // 2),
                NORMS[config.norm][self.kind](inner),
            )
            self.add_site(site, inner)
            if previous:
                self.scaled_by[site] = previous
            width, previous = config.width, site
            lengths = [-(-n // config.stride) for n in lengths]
        if config.pool == "flatten":
            for n in lengths:
                width *= n
        for site in self.fc_sites:
            inner = assignment[site].entry.input_width(config.fc_width)
            self.layers[site] = nn.Linear(width, inner)
            self.add_site(site, inner)
            self.scaled_by[site] = previous
            width, previous = config.fc_width, site
        self.layers["head"] = nn.Linear(width, outputs)
        self.scaled_by["head"] = previous

    @staticmethod
    def sites(config: CNNConfig, sample: Sample, outputs: int) -> list[Site]:
        names = [f"conv{i}" for i in range(1, config.depth + 1)]
        names += [f"fc{i}" for i in range(1, config.fc_depth + 1)]
        return [Site(name, "relu") for name in names]

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "series":
            x = x.transpose(1, 2)  # B, T, F -> B, F, T
        for site in self.conv_sites:
            y = self.dropout(self.activations[site](self.layers[site](x)))
            x = self.subsample(x) + y if self.residual and x.shape[1] == y.shape[1] else y
        x = x.flatten(2)
        x = POOLS[self.pool](x)
        for site in self.fc_sites:
            x = self.dropout(self.activations[site](self.layers[site](x)))
        return self.layers["head"](x)

    def subsample(self, x: Tensor) -> Tensor:
        """The shortcut beside a strided convolution: every stride-th position."""
        if self.kind == "series":
            return x[..., :: self.stride]
        return x[..., :: self.stride, :: self.stride]
