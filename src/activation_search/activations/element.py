"""What every module of the catalogue does with its input before its formula acts."""

import torch
from torch import Tensor, nn


class Element(nn.Module):
    """Calls ``compute`` in a precision that its formula can bear; the result has the input's type.

    1. float16 and bfloat16 go in as float32 and come out rounded once, and so do their gradients;
       squares, sums and differences would be rounded, or overflow, at every step. Not where
       ``widens`` is false, for torch's own kernels, which do so inside.
    2. Learned tensors of a wider type than the input, as under autocast, do not widen the result.
    3. Whole numbers and truth values become the default floating type.

    Args:
        widens: whether halves are computed in float32.
    """

    def __init__(self, widens: bool = True):
        super().__init__()
        self.widens = widens

    def forward(self, x: Tensor) -> Tensor:
        if not x.is_floating_point():
            x = x.to(torch.get_default_dtype())
        wide = x.float() if self.widens and x.itemsize < 4 else x
        return self.compute(wide).to(x.dtype)

    def compute(self, x: Tensor) -> Tensor:
        """The formula itself, ``x`` of any floating type."""
        raise NotImplementedError
