"""Transformer over patches of a series or an image, or over text.

    python train.py model=transformer activation=swiglu

Pre-norm blocks; the activation of each block's MLP is its site. Over patches each token attends to
all; over text to itself and those before it.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.config.models import TransformerConfig
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.embedding import Embedding
from activation_search.models.network import Network, mean_over, valid_steps
from activation_search.models.sites import Assignment, Site

NORMS = {"layer": nn.LayerNorm, "rms": nn.RMSNorm}


class Patches(nn.Module):
    """Tokens by a strided convolution, plus a learned position each."""

    def __init__(self, sample: Sample, width: int, patch: int, stride: int):
        super().__init__()
        self.kind = sample.kind
        convolution = {"series": nn.Conv1d, "image": nn.Conv2d}[self.kind]
        channels = sample.shape[sample.channel_axis]
        self.convolution = convolution(channels, width, patch, stride, padding=patch // 2)
        tokens = 1
        for axis, n in enumerate(sample.shape):
            if axis != sample.channel_axis:
                tokens *= self.count(n)
        self.position = nn.Parameter(torch.empty(tokens, width))
        self.reset_parameters()

    def count(self, length: Any) -> Any:
        """Tokens along a dimension of ``length``, a number or a tensor of them."""
        [patch, *_], [stride, *_] = self.convolution.kernel_size, self.convolution.stride
        return (length + 2 * (patch // 2) - patch) // stride + 1

    def reset_parameters(self) -> None:
        self.convolution.reset_parameters()
        nn.init.normal_(self.position, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        if self.kind == "series":
            x = x.transpose(1, 2)  # B, T, F -> B, F, T
        tokens = self.convolution(x).flatten(2).transpose(1, 2)  # B, tokens, width
        return tokens + self.position[: tokens.shape[1]]


class Attention(nn.Module):
    """Pre-norm multi-head self-attention. ``[B, T, width]`` -> ``[B, T, width]``.

    Args:
        config: the model's.
        causal: each token attends to itself and those before it only.
    """

    def __init__(self, config: TransformerConfig, causal: bool):
        super().__init__()
        self.causal = causal
        self.heads = config.heads
        self.dropout = config.dropout
        self.norm = NORMS[config.norm](config.width)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """mask: ``[B, T]``, the tokens to attend to; ``None`` for all."""
        heads = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = heads.permute(2, 0, 3, 1, 4)  # each B, heads, T, width / heads
        dropout = self.dropout if self.training else 0.0
        mask = None if mask is None else mask[:, None, None]
        y = F.scaled_dot_product_attention(q, k, v, mask, dropout, is_causal=self.causal)
        return self.out(y.transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Pre-norm MLP of a block; its activation comes from the network."""

    def __init__(self, config: TransformerConfig, activation: Activation):
        super().__init__()
        self.width = self.activation_width(config, activation)
        self.norm = NORMS[config.norm](config.width)
        self.fc_in = nn.Linear(config.width, activation.entry.input_width(self.width))
        self.fc_out = nn.Linear(self.width, config.width)

    @staticmethod
    def activation_width(config: TransformerConfig, activation: Activation) -> int:
        """Channels that leave the activation.

        An ungated MLP of inner width n has 2 n w weights at model width w, one that reads r
        channels per channel out (1 + r) n w: the same for n times 2 / (1 + r).
        """
        width = config.mlp_ratio * config.width
        if config.match_parameters:
            width *= 2 / (1 + activation.entry.inputs / activation.entry.outputs)
        # A multiple of eight suits vector units, and every function that couples channels.
        return max(8, round(width / 8) * 8)

    def forward(self, x: Tensor, activation: nn.Module) -> Tensor:
        return self.fc_out(activation(self.fc_in(self.norm(x))))


class Transformer(Network):
    """Patches -> ``depth`` blocks of attention and MLP -> norm -> mean over tokens -> output; for
    text an embedding in place of patches, and an output for each token in place of the mean."""

    input_kinds = ("series", "image", "tokens")
    reads_varying = True

    def __init__(
        self, config: TransformerConfig, sample: Sample, outputs: int, assignment: Assignment
    ):
        super().__init__(assignment)
        if config.width % config.heads:
            raise UserError(
                f"model.width must be a multiple of model.heads={config.heads}, not {config.width}."
            )
        self.varies = sample.varies
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = [f"block{i}" for i in range(1, config.depth + 1)]
        text = sample.kind == "tokens"
        self.input = "embedding" if text else "patches"
        if text:
            self.layers[self.input] = Embedding(sample.vocabulary, config.width, sample.shape[0])
        else:
            self.layers[self.input] = Patches(sample, config.width, config.patch, config.stride)
        for block in self.blocks:
            site = f"{block}_mlp"
            mlp = FeedForward(config, assignment[site])
            self.layers[f"{block}_attention"] = Attention(config, causal=text)
            self.layers[site] = mlp
            self.add_site(site, mlp.fc_in.out_features, channel_dim=-1)
            self.scaled_by[f"{site}.fc_out"] = site
        self.norm = NORMS[config.norm](config.width)
        self.layers["head"] = nn.Linear(config.width, outputs)

    @staticmethod
    def sites(config: TransformerConfig, sample: Sample, outputs: int) -> list[Site]:
        return [Site(f"block{i}_mlp", "gelu") for i in range(1, config.depth + 1)]

    def forward(self, x: Tensor) -> Tensor:
        mask = self.valid_positions(x)
        if mask is not None:
            x = x.nan_to_num()
        x = self.dropout(self.layers[self.input](x))
        for block in self.blocks:
            x = x + self.dropout(self.layers[f"{block}_attention"](x, mask))
            mlp = f"{block}_mlp"
            x = x + self.dropout(self.layers[mlp](x, self.activations[mlp]))
        x = self.norm(x)
        if self.input == "patches":
            x = x.mean(1) if mask is None else mean_over(x, mask)
        return self.layers["head"](x)

    def valid_positions(self, x: Tensor) -> Tensor | None:
        if not self.varies:
            return None
        patches = self.layers[self.input]
        assert isinstance(patches, Patches)
        tokens = torch.arange(patches.count(x.shape[1]), device=x.device)
        return tokens < patches.count(valid_steps(x).sum(1))[:, None]
