"""A model of one's own: a small residual network in torchvision's style.

    python train.py model=function model.function=examples.own_model.build data=digits
    python scripts/sites.py model=function model.function=examples.own_model.build data=digits

Nothing in it knows of the package: any ``torch.nn.Module`` will do.
"""

import torch
from torch import Tensor, nn


class Block(nn.Module):
    """Two convolutions and a shortcut. ``[B, inputs, H, W]`` -> ``[B, width, H/stride, W/stride]``.

    One ReLU module is used twice, which makes two sites.
    """

    def __init__(self, inputs: int, width: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = nn.Conv2d(inputs, width, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out)) + self.shortcut(x)
        return self.relu(out)


class SmallResNet(nn.Module):
    """Three blocks, then a linear layer on the mean over the image."""

    def __init__(self, num_classes: int, width: int = 16, colours: int = 1):
        super().__init__()
        self.stem = nn.Conv2d(colours, width, 3, 1, 1)
        self.layer1 = Block(width, width, 1)
        self.layer2 = Block(width, 2 * width, 2)
        self.layer3 = Block(2 * width, 4 * width, 2)
        self.fc = nn.Linear(4 * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.layer3(self.layer2(self.layer1(torch.relu(self.stem(x)))))
        return self.fc(x.mean((2, 3)))


def build(num_classes: int, width: int = 16) -> nn.Module:
    """What ``model.function`` names; ``num_classes`` is filled in from the data."""
    return SmallResNet(num_classes, width)
