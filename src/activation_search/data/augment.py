"""Changes training images a little, a whole batch at once, on the device that trains."""

import torch
import torch.nn.functional as F
from torch import Tensor


def augment(x: Tensor, how: str, generator: torch.Generator) -> Tensor:
    """A batch with each image changed on its own.

    Args:
        x: standardised images ``[B, C, H, W]``.
        how: ``crop`` or ``flip_crop``, see :class:`activation_search.config.data.DataConfig`.
        generator: on the CPU, so that every device draws the same.
    """
    if how == "flip_crop":
        flipped = torch.rand(len(x), generator=generator) < 0.5
        x = torch.where(flipped.to(x.device)[:, None, None, None], x.flip(-1), x)
    return _shifted(x, max(1, x.shape[-1] // 8), generator)


def _shifted(x: Tensor, most: int, generator: torch.Generator) -> Tensor:
    """Each image moved by -most to most pixels both ways; what comes in is 0, the mean."""
    batch, _, height, width = x.shape
    start = torch.randint(2 * most + 1, (2, batch, 1), generator=generator).to(x.device)
    rows = start[0] + torch.arange(height, device=x.device)  # batch, height
    columns = start[1] + torch.arange(width, device=x.device)
    images = torch.arange(batch, device=x.device)[:, None, None]
    padded = F.pad(x, (most, most, most, most)).permute(0, 2, 3, 1)  # channels last
    return padded[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)
