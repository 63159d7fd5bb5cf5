"""What ``predict`` computes, as one module: the samples' scale, the network, the output."""

import json
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from activation_search.training.module import ActivationModule

# A channel whose mean is so many standard deviations from zero loses too much as float32.
FAR = 1000.0
SEED = 0  # of the samples that an exported model is tried with


class Predictor(nn.Module):
    """From samples ``[B, ...]`` on the data's own scale to what the output function gives."""

    def __init__(self, module: ActivationModule):
        super().__init__()
        self.standardises = module.sample.kind != "tokens"
        self.reconstructs = module.target.kind == "itself"
        self.scale = module.scale
        self.network = module.network
        self.task = module.task

    def forward(self, x: Tensor) -> Tensor:
        if self.standardises:
            x = self.scale(x).to(next(self.network.parameters()).dtype)
        predicted = self.task.predict(self.network(x))
        return self.scale.undo(predicted.view_as(x)) if self.reconstructs else predicted


@dataclass(frozen=True)
class Exportable:
    """A trained model, and samples to try with what is made of it.

    Attributes:
        module: in evaluation mode on the CPU.
        predictor: what it computes.
        x: samples ``[B, ...]`` on the data's own scale: standard normal in the training data's mean
            and spread. float32, or float64 where a channel would lose too much; int64 for tokens.
        expected: what ``predict`` gives for them.
        unit: a difference counts in it: 1 for probabilities; for numbers the targets' standard
            deviation, for samples that are given back half their range.
    """

    module: ActivationModule
    predictor: Predictor
    x: Tensor
    expected: Tensor
    unit: Tensor

    def difference(self, found: Tensor) -> float:
        """The largest one from what ``predict`` gives, in units; infinite if either is NaN."""
        apart = (found.double() - self.expected.double()).abs() / self.unit
        return float(apart.nan_to_num(nan=torch.inf).max())

    @property
    def meaning(self) -> dict[str, str]:
        """``input`` and ``output`` in words."""
        sample, target = self.module.sample, self.module.target
        lengths = ", ".join(map(str, sample.shape))
        dtype = str(self.x.dtype).removeprefix("torch.")
        kind = "tokens" if sample.kind == "tokens" else f"{sample.kind} on the data's own scale"
        missing = ", missing steps NaN" if sample.varies else ""
        output = {
            "classes": f"probabilities of the classes [B, {target.size}]",
            "binary": "probability of the second class [B]",
            "numbers": f"numbers in the targets' unit [B, {target.size}]",
            "itself": f"the samples given back [B, {lengths}]",
            "next": f"probabilities of each next token [B, {lengths}, {target.size}]",
        }[target.kind]
        columns = self.module.columns
        if columns:
            kind += f" in the order {json.dumps([name for c in columns for name in c.inputs])}"
            gaps = {c.name: c.median for c in columns if c.missing and c.kind != "words"}
            kind += f", a missing value as {json.dumps(gaps)} with its flag 1" if gaps else ""
        names = f" of {json.dumps(target.names)}" if target.names else ""
        return {"input": f"{dtype} [B, {lengths}], {kind}{missing}", "output": output + names}


def exportable(module: ActivationModule, samples: int) -> Exportable:
    """A model with so many samples to try."""
    x = _draw(module, samples)
    unit = torch.ones(())
    if module.target.kind == "numbers":
        unit = module.get_buffer("task.std")
    elif module.target.kind == "itself":
        # A channel that was constant is given back as that constant.
        unit = torch.where(module.scale.std.isinf(), 1.0, module.scale.std)
    return Exportable(module, Predictor(module).eval(), x, module.predict_inputs(x), unit)


def _draw(module: ActivationModule, count: int) -> Tensor:
    sample, mean, std = module.sample, module.scale.mean, module.scale.std
    generator = torch.Generator().manual_seed(SEED)
    if sample.kind == "tokens":
        return torch.randint(sample.vocabulary, (count, *sample.shape), generator=generator)
    noise = torch.randn(count, *sample.shape, generator=generator, dtype=torch.float64)
    x = mean + torch.where(std.isinf(), 0.0, std) * noise
    if sample.varies:
        lengths = torch.randint(1, sample.shape[0] + 1, (count, 1), generator=generator)
        missing = torch.arange(sample.shape[0]) >= lengths
        x = x.masked_fill(missing.unsqueeze(-1), torch.nan)
    return x if (mean.abs() > FAR * std).any() else x.float()
