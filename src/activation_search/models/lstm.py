"""Long short-term memory over a series, the rows of an image, or text.

    python train.py model=lstm activation.layers.lstm1_candidate=softsign

Each layer has five sites: three gates, the candidate (what is written into the cell) and the cell
output (what is read from it). With sigmoid gates and tanh at both others a layer is torch's own
fast ``nn.LSTM``; any other assignment runs the same equations step by step, where it can with the
gradient of :mod:`activation_search.models.recurrence`.
"""

import torch
from torch import Tensor, nn

from activation_search.activations.activation import Activation
from activation_search.activations.factory import Function
from activation_search.activations.names import MODEL_DEFAULT
from activation_search.config.models import LSTMConfig
from activation_search.data.sample import Sample
from activation_search.models.embedding import Embedding
from activation_search.models.network import Network, mean_over, valid_steps
from activation_search.models.recurrence import Recurrence
from activation_search.models.sites import Assignment, Site

# In the order of torch's weight rows, the cell output last, which has no weights.
STANDARD = {
    "input_gate": "sigmoid",
    "forget_gate": "sigmoid",
    "candidate": "tanh",
    "output_gate": "sigmoid",
    "cell_output": "tanh",
}


class CellWeights(nn.Module):
    """The weights of ``nn.LSTM`` under their names there, for a candidate of another width."""

    def __init__(self, inputs: int, width: int, rows: int):
        super().__init__()
        self.weight_ih_l0 = nn.Parameter(torch.empty(rows, inputs))
        self.weight_hh_l0 = nn.Parameter(torch.empty(rows, width))
        self.bias_ih_l0 = nn.Parameter(torch.empty(rows))
        self.bias_hh_l0 = nn.Parameter(torch.empty(rows))
        self.reset_parameters()

    @property
    def all_weights(self) -> list[list[nn.Parameter]]:
        return [[self.weight_ih_l0, self.weight_hh_l0, self.bias_ih_l0, self.bias_hh_l0]]

    def reset_parameters(self) -> None:
        """As ``nn.LSTM`` draws them."""
        bound = self.weight_hh_l0.shape[1] ** -0.5
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)


class LSTMLayer(nn.Module):
    """One layer: torch's kernel, or the step-by-step cell on the same weights.

    Args:
        inputs: features of the input.
        width: hidden units.
        candidate: the activation at the candidate, which decides how many rows write to it.
    """

    def __init__(self, inputs: int, width: int, candidate: Activation):
        super().__init__()
        self.width = width
        self.rows = [width, width, candidate.entry.input_width(width), width]
        self.core: nn.LSTM | CellWeights
        if sum(self.rows) == 4 * width:
            self.core = nn.LSTM(inputs, width, batch_first=True)
        else:
            self.core = CellWeights(inputs, width, sum(self.rows))
        self.recurrence = Recurrence()

    def fused(self, x: Tensor) -> Tensor:
        """Standard assignment only. ``[B, T, inputs]`` -> ``[B, T, width]``."""
        assert isinstance(self.core, nn.LSTM)
        return self.core(x)[0]

    def trained(self, x: Tensor, candidate: nn.Module, cell_output: nn.Module) -> Tensor:
        """The same with any two fixed functions, for training; see :class:`Recurrence`."""
        [[weight_ih, weight_hh, bias_ih, bias_hh]] = self.core.all_weights
        return self.recurrence(x, weight_ih, weight_hh, bias_ih + bias_hh, candidate, cell_output)

    def step_by_step(self, x: Tensor, functions: list[nn.Module]) -> Tensor:
        """The same with any five functions, in the order of ``STANDARD``."""
        input_gate, forget_gate, candidate, output_gate, cell_output = functions
        [[weight_ih, weight_hh, bias_ih, bias_hh]] = self.core.all_weights
        # Steps first, so that the gradient of all steps' rows is put together in one piece.
        projected = nn.functional.linear(x.transpose(0, 1), weight_ih, bias_ih + bias_hh)
        recurrent = weight_hh.t()
        h = c = x.new_zeros(x.shape[0], self.width)
        outputs = []
        for now in projected.unbind():  # B, rows
            i, f, g, o = torch.addmm(now, h, recurrent).split(self.rows, 1)
            c = forget_gate(f) * c + input_gate(i) * candidate(g)
            h = output_gate(o) * cell_output(c)
            outputs.append(h)
        return torch.stack(outputs, 1)


class LSTM(Network):
    """``depth`` layers, each LSTM -> norm -> dropout; pooled over time for the output, but for
    text, where each step has its own."""

    input_kinds = ("series", "image", "tokens")
    reads_varying = True
    baseline = MODEL_DEFAULT
    feeds_back = True

    def __init__(self, config: LSTMConfig, sample: Sample, outputs: int, assignment: Assignment):
        super().__init__(assignment)
        self.kind = sample.kind
        self.varies = sample.varies
        self.pool = config.pool
        self.exposed = False
        self.dropout = nn.Dropout(config.dropout)
        self.norms = nn.ModuleDict()
        self.layer_names = [f"lstm{i}" for i in range(1, config.depth + 1)]
        if self.kind == "tokens":
            self.layers["embedding"] = Embedding(sample.vocabulary, config.width)
            features = config.width
        else:
            features = sample.shape[1] if self.kind == "series" else sample.size // sample.shape[1]
        for name in self.layer_names:
            layer = LSTMLayer(features, config.width, assignment[f"{name}_candidate"])
            self.layers[name] = layer
            for part in STANDARD:
                inner = layer.rows[2] if part == "candidate" else config.width
                self.add_site(f"{name}_{part}", inner)
            self.norms[name] = (
                nn.LayerNorm(config.width) if config.norm == "layer" else nn.Identity()
            )
            features = config.width
        self.layers["head"] = nn.Linear(config.width, outputs)
        names = self.layer_names
        self.standard = [n for n in names if all(self._has_default(n, part) for part in STANDARD)]
        self.fixed = [n for n in names if self._is_fixed(n)]

    @staticmethod
    def sites(config: LSTMConfig, sample: Sample, outputs: int) -> list[Site]:
        return [
            Site(
                f"lstm{i}_{part}",
                default,
                fills=not part.endswith("gate"),
                fixed_width=part != "candidate",
            )
            for i in range(1, config.depth + 1)
            for part, default in STANDARD.items()
        ]

    def forward(self, x: Tensor) -> Tensor:
        mask = valid_steps(x) if self.varies else None
        if self.kind == "image":
            x = x.transpose(1, 2).flatten(2)  # B, C, H, W -> B, H, C * W: one row a step
        elif self.kind == "tokens":
            x = self.layers["embedding"](x)
        elif self.varies:
            x = x.nan_to_num()
        for name in self.layer_names:
            layer = self.layers[name]
            assert isinstance(layer, LSTMLayer)
            functions = [self.activations[f"{name}_{part}"] for part in STANDARD]
            if self.exposed:
                x = layer.step_by_step(x, functions)
            elif self.is_standard(name) and not self._has_no_kernel(x):
                x = layer.fused(x)
            elif self.training and self.has_fixed_functions(name) and self._writes_gradient(x):
                x = layer.trained(x, functions[2], functions[4])
            else:
                x = layer.step_by_step(x, functions)
            x = self.dropout(self.norms[name](x))
        if self.kind != "tokens":
            x = self._pooled(x, mask)
        return self.layers["head"](x)

    @staticmethod
    def _has_no_kernel(x: Tensor) -> bool:
        """Whether torch's kernel may be missing: for bfloat16 under autocast on many CPUs."""
        return x.device.type == "cpu" and torch.is_autocast_enabled("cpu")

    @staticmethod
    def _writes_gradient(x: Tensor) -> bool:
        """Whether there is a gradient to be written out, and all is of one precision."""
        return torch.is_grad_enabled() and not torch.is_autocast_enabled(x.device.type)

    def _pooled(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """``[B, T, width]`` -> ``[B, width]``; steps that are not there have no part in it."""
        if mask is None:
            return x.mean(1) if self.pool == "mean" else x[:, -1]
        if self.pool == "mean":
            return mean_over(x, mask)
        return x[torch.arange(x.shape[0], device=x.device), mask.sum(1) - 1]

    def valid_positions(self, x: Tensor) -> Tensor | None:
        # A site acts once per step: all samples' first steps, then all second ones.
        return valid_steps(x).t().flatten() if self.varies else None

    def is_standard(self, name: str) -> bool:
        """Whether a layer's assignment is the one that torch's kernel computes."""
        return name in self.standard

    def has_fixed_functions(self, name: str) -> bool:
        """Whether a layer's gates are standard, and its functions elementwise, without parameters
        to learn and without noise."""
        return name in self.fixed and all(
            # A module that somebody put there instead may be anything.
            isinstance(self.activations[f"{name}_{part}"], Function)
            for part in STANDARD
        )

    def _is_fixed(self, name: str) -> bool:
        return all(
            self._has_default(name, part)
            if part.endswith("gate")
            else self.assignment[f"{name}_{part}"].entry.family == "fixed"
            for part in STANDARD
        )

    def _has_default(self, name: str, part: str) -> bool:
        return self.assignment[f"{name}_{part}"] == Activation(STANDARD[part])

    @property
    def signal_path(self) -> list[str]:
        # Gates and cell have scales of their own; layers hand on what the cell puts out.
        return [f"{name}_cell_output" for name in self.layer_names]

    def expose_sites(self, exposed: bool) -> None:
        self.exposed = exposed
