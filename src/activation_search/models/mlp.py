"""Multi-layer perceptron over the flattened sample.

    python train.py model=mlp data=digits

Published reference: ``experiment=mnist1d_mlp``.
"""

from torch import Tensor, nn

from activation_search.config.models import MLPConfig
from activation_search.data.sample import Sample
from activation_search.models.network import Network
from activation_search.models.sites import Assignment, Site

NORMS = {"none": nn.Identity, "batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


class MLP(Network):
    """``depth`` hidden layers, each weights -> norm -> activation -> dropout (+ its input); with a
    code, half of them before and half after it."""

    input_kinds = ("vector", "series", "image")

    def __init__(self, config: MLPConfig, sample: Sample, outputs: int, assignment: Assignment):
        super().__init__(assignment)
        self.residual = config.residual
        self.dropout = nn.Dropout(config.dropout)
        width, previous = sample.size, ""
        self.before_code = f"hidden{(config.depth + 1) // 2}" if config.code else ""
        for site, activation in assignment.items():
            inner = activation.entry.input_width(config.width)
            self.layers[site] = nn.Sequential(nn.Linear(width, inner), NORMS[config.norm](inner))
            self.add_site(site, inner)
            if previous:
                self.scaled_by[site] = previous
            width, previous = config.width, site
            if site == self.before_code and config.code:
                self.layers["code"] = nn.Linear(width, config.code)
                self.scaled_by["code"] = site
                width, previous = config.code, ""
        self.layers["head"] = nn.Linear(width, outputs)
        if previous:
            self.scaled_by["head"] = previous

    @staticmethod
    def sites(config: MLPConfig, sample: Sample, outputs: int) -> list[Site]:
        return [Site(f"hidden{i}", "relu") for i in range(1, config.depth + 1)]

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for site, activation in self.activations.items():
            y = self.dropout(activation(self.layers[site](x)))
            # The first layer changes the width and has nothing to add.
            x = x + y if self.residual and x.shape == y.shape else y
            if site == self.before_code:
                x = self.layers["code"](x)
        return self.layers["head"](x)
