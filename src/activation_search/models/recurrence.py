"""The steps of an LSTM layer with their gradient written out.

Where the products of a step are small, autograd spends about half of its time beside them: on
tensors for every value in between, on copies of slices, on a node for every operation. Here each
step writes into buffers that stay from one batch to the next, the three gates are one operation,
and what need not wait for the step before it is done for all steps at once: the slopes of both
functions, and the gradients of the weights. Values and gradients are those of
``LSTMLayer.step_by_step``, to rounding; ``python scripts/benchmark.py --trials`` shows what it
brings.

There is no second derivative, and one way backward for each way forward: who needs more calls
``network.expose_sites(True)`` or ``network.eval()``, which take the steps as they are written.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

Elementwise = Callable[[Tensor], Tensor]


class Buffers:
    """What the steps of one batch write, about ten numbers per sample, step and unit.

    Rows are those of the input, forget and output gate, then of the candidate; ``cells`` and
    ``hidden`` begin with the zeros before the first step.

    Args:
        steps, batch, width: of the layer and its input.
        like: a tensor of the same type on the same device.
    """

    def __init__(self, steps: int, batch: int, width: int, like: Tensor):
        self.rows = like.new_empty(steps, batch, 4 * width)
        self.row_gradients = torch.empty_like(self.rows)
        self.cells = like.new_zeros(steps + 1, batch, width)
        self.hidden = like.new_zeros(steps + 1, batch, width)
        # Views of each step, taken once, since taking one costs half of what an operation does.
        self.by_step, self.gradients_by_step = (
            list(
                zip(
                    rows.unbind(),
                    rows[..., : 3 * width].unbind(),
                    *(part.unbind() for part in rows.split(width, -1)),
                    strict=True,
                )
            )
            for rows in (self.rows, self.row_gradients)
        )
        self.cell, self.hidden_by_step = self.cells.unbind(), self.hidden.unbind()

    def fit(self, steps: int, batch: int, like: Tensor) -> bool:
        same = self.rows.dtype == like.dtype and self.rows.device == like.device
        return same and self.rows.shape[:2] == (steps, batch)


class Recurrence:
    """Runs a layer whose three gates are sigmoids and whose functions are fixed and elementwise.

    One per layer, whose buffers it keeps from batch to batch.
    """

    def __init__(self) -> None:
        self.spare: Buffers | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        # Copies begin without buffers: views that are pickled one by one share no memory any more.
        return type(self), ()

    def __call__(
        self,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        candidate: Elementwise,
        cell_output: Elementwise,
    ) -> Tensor:
        """``[B, T, inputs]`` -> ``[B, T, width]``.

        Args:
            x: the input.
            weight_ih, weight_hh, bias: with their rows in the order of ``nn.LSTM``.
            candidate, cell_output: the two functions.
        """
        weights = (gates_first(w) for w in (weight_ih, weight_hh, bias))
        hidden: Any = Steps.apply(x.transpose(0, 1), *weights, candidate, cell_output, self)
        return hidden.transpose(0, 1)

    def take(self, steps: int, batch: int, width: int, like: Tensor) -> Buffers:
        """Buffers for one batch; further ones where the kept ones are in use or do not fit."""
        buffers, self.spare = self.spare, None
        if buffers and buffers.fit(steps, batch, like):
            return buffers
        return Buffers(steps, batch, width, like)


def gates_first(rows: Tensor) -> Tensor:
    """From the order input, forget, candidate, output to input, forget, output, candidate."""
    i, f, g, o = rows.chunk(4)
    return torch.cat([i, f, o, g])


def slopes(function: Elementwise, z: Tensor) -> tuple[Tensor, ...]:
    """The function's derivative at each step of ``z``, ``[T, B, width]``; calls it once more."""
    with torch.enable_grad():
        leaf = z.detach().requires_grad_()
        (slope,) = torch.autograd.grad(function(leaf), leaf, torch.ones_like(leaf))
    return slope.unbind()


class Steps(torch.autograd.Function):
    """``x`` is ``[T, B, inputs]``, the result ``[T, B, width]``; rows of weights gates first."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias: Tensor,
        candidate: Elementwise,
        cell_output: Elementwise,
        recurrence: Recurrence,
    ) -> Tensor:
        steps, batch, inputs = x.shape
        x = x.reshape(-1, inputs)
        buffers = recurrence.take(steps, batch, weight_hh.shape[1], x)
        torch.addmm(bias, x, weight_ih.t(), out=buffers.rows.flatten(0, 1))
        recurrent = weight_hh.t()
        written, read = [], []
        for t, (row, gates, i, f, o, g) in enumerate(buffers.by_step):
            row.addmm_(buffers.hidden_by_step[t], recurrent)
            gates.sigmoid_()
            written.append(candidate(g))
            cell = torch.mul(f, buffers.cell[t], out=buffers.cell[t + 1])
            cell.addcmul_(i, written[t])
            read.append(cell_output(cell))
            torch.mul(o, read[t], out=buffers.hidden_by_step[t + 1])
        ctx.save_for_backward(x, weight_ih, weight_hh)
        ctx.kept = buffers, written, read
        ctx.functions, ctx.recurrence = (candidate, cell_output), recurrence
        return buffers.hidden[1:].clone()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight_ih, weight_hh = ctx.saved_tensors
        if ctx.kept is None:
            raise RuntimeError(
                "an LSTM's recurrence goes backward once for each time forward; "
                "after network.expose_sites(True) it does so as often as is wanted"
            )
        buffers, written, read = ctx.kept
        candidate, cell_output = ctx.functions
        width = weight_hh.shape[1]
        candidate_slope = slopes(candidate, buffers.rows[..., 3 * width :].contiguous())
        output_slope = slopes(cell_output, buffers.cells[1:])
        hidden = gradient.clone(memory_format=torch.contiguous_format).unbind()
        cell = torch.zeros_like(hidden[0])
        later: Tensor | None = None
        for t in reversed(range(len(hidden))):
            _, gates, i, f, o, _ = buffers.by_step[t]
            row, gate_gradients, di, df, do, dg = buffers.gradients_by_step[t]
            if later is not None:
                hidden[t].addmm_(later, weight_hh)
            torch.mul(hidden[t], read[t], out=do)
            cell.addcmul_(hidden[t].mul_(o), output_slope[t])
            torch.mul(cell, written[t], out=di)
            torch.mul(cell, buffers.cell[t], out=df)
            torch.mul(cell, i, out=dg).mul_(candidate_slope[t])
            torch.ops.aten.sigmoid_backward.grad_input(
                gate_gradients, gates, grad_input=gate_gradients
            )
            cell.mul_(f)
            later = row
        rows = buffers.row_gradients.flatten(0, 1)
        gradients = (
            (rows @ weight_ih).view(len(hidden), -1, x.shape[1])
            if ctx.needs_input_grad[0]
            else None,
            rows.t() @ x,
            rows.t() @ buffers.hidden[:-1].flatten(0, 1),
            rows.sum(0),
        )
        ctx.kept, ctx.recurrence.spare = None, buffers
        return *gradients, None, None, None
