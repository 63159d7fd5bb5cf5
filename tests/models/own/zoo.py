"""Models as people write them, with the sites that a reader of their code would name."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class BasicBlock(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int = 1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.downsample = None
        if stride != 1 or inputs != width:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, width, 1, stride, bias=False), nn.BatchNorm2d(width)
            )

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        out += identity
        return self.relu(out)


class ResNet18(nn.Module):
    """In torchvision's style; narrower by ``divide``."""

    def __init__(self, num_classes: int = 10, colours: int = 1, divide: int = 1):
        super().__init__()
        widths = [64 // divide, 128 // divide, 256 // divide, 512 // divide]
        self.conv1 = nn.Conv2d(colours, widths[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(widths[0])
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        inputs = widths[0]
        for number, width in enumerate(widths, start=1):
            stride = 1 if number == 1 else 2
            blocks = [BasicBlock(inputs, width, stride), BasicBlock(width, width)]
            self.add_module(f"layer{number}", nn.Sequential(*blocks))
            inputs = width
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(inputs, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class MNISTExample(nn.Module):
    """PyTorch's example, its three spellings of ReLU, and without or with its log_softmax."""

    def __init__(self, num_classes: int = 10, log_softmax: bool = False):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, 1, 1)
        self.conv2 = nn.Conv2d(8, 16, 3, 1, 1)
        self.dropout = nn.Dropout(0.25)
        self.fc1 = nn.Linear(256, 32)
        self.fc2 = nn.Linear(32, num_classes)
        self.log_softmax = log_softmax

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.conv1(x))
        x = self.conv2(x).relu()
        x = self.dropout(F.max_pool2d(x, 2))
        x = torch.relu(self.fc1(torch.flatten(x, 1)))
        x = self.fc2(x)
        return F.log_softmax(x, dim=1) if self.log_softmax else x


class Loop(nn.Module):
    """One call over three layers, one module over two."""

    def __init__(self, outputs: int = 10):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(64, 64) for _ in range(3)])
        self.more = nn.ModuleList([nn.Linear(64, 64) for _ in range(2)])
        self.act = nn.ReLU()
        self.head = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer in self.layers:
            x = F.relu(layer(x))
        for layer in self.more:
            x = self.act(x + layer(x))
        return self.head(x)


class Flat(nn.Sequential):
    """One ReLU object at two places of a Sequential."""

    def __init__(self, outputs: int = 10):
        relu = nn.ReLU()
        layers = [nn.Linear(64, 32), relu, nn.Linear(32, 32), relu, nn.Linear(32, outputs)]
        super().__init__(nn.Flatten(), *layers)


class HandRNN(nn.Module):
    """A recurrence by hand, with matrices that are no layers."""

    def __init__(self, outputs: int = 10, features: int = 2, width: int = 8):
        super().__init__()
        self.w = nn.Parameter(torch.randn(features, width) / 2)
        self.u = nn.Parameter(torch.randn(width, width) / 4)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(len(x), self.u.shape[0])
        for t in range(x.shape[1]):
            h = torch.tanh(x[:, t] @ self.w + h @ self.u)
        return self.head(h)


class Cell(nn.Module):
    def __init__(self, features: int, width: int):
        super().__init__()
        self.linear = nn.Linear(features + width, 4 * width)

    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = self.linear(torch.cat([x, h], 1)).chunk(4, 1)
        i, f = torch.sigmoid(i), torch.sigmoid(f)
        g = torch.tanh(g)
        o = torch.sigmoid(o)
        c = f * c + i * g
        return o * torch.tanh(c), c


class HandLSTM(nn.Module):
    def __init__(self, outputs: int = 10, features: int = 2, width: int = 8):
        super().__init__()
        self.width = width
        self.cell = Cell(features, width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = c = x.new_zeros(len(x), self.width)
        for t in range(x.shape[1]):
            h, c = self.cell(x[:, t], h, c)
        return self.head(h)


class Encoder(nn.Module):
    """torch's own Transformer encoder, whose evaluation has a fast path."""

    def __init__(self, outputs: int = 10, features: int = 2):
        super().__init__()
        self.embed = nn.Linear(features, 16)
        layer = nn.TransformerEncoderLayer(16, 4, 24, 0.1, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 3)
        self.head = nn.Linear(16, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x)).mean(1))


class FusedLSTM(nn.Module):
    def __init__(self, outputs: int = 10, features: int = 2):
        super().__init__()
        self.lstm = nn.LSTM(features, 8, batch_first=True)
        self.fc = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.lstm(x)[0][:, -1])


class HSwish(nn.Module):
    """Made of ReLU6, as MobileNetV3 was first written."""

    def __init__(self) -> None:
        super().__init__()
        self.relu6 = nn.ReLU6(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.relu6(x + 3) / 6


class SqueezeExcite(nn.Module):
    def __init__(self, width: int):
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Sequential(nn.Linear(width, 4), nn.ReLU(), nn.Linear(4, width), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        return x * self.fc(self.pool(x).flatten(1))[:, :, None, None]


class Mobile(nn.Module):
    def __init__(self, outputs: int = 10):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 8, 3, 2, 1),
            nn.BatchNorm2d(8),
            HSwish(),
            SqueezeExcite(8),
            nn.Conv2d(8, 8, 3, 1, 1),
            nn.BatchNorm2d(8),
            HSwish(),
        )
        self.classifier = nn.Sequential(nn.Linear(8, 16), HSwish(), nn.Linear(16, outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


class Repeated(nn.Module):
    """One block run four times with the same weights."""

    def __init__(self, outputs: int = 10):
        super().__init__()
        self.block = nn.Sequential(nn.Linear(64, 64), nn.ReLU())
        self.head = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for _ in range(4):
            x = self.block(x)
        return self.head(x)


class UNet(nn.Module):
    """ModuleLists, a branch on shapes, a head that training alone has, sigmoid at the end."""

    def __init__(self, outputs: int = 1):
        super().__init__()
        self.down = nn.ModuleList([nn.Conv2d(1, 4, 3, 1, 1), nn.Conv2d(4, 8, 3, 1, 1)])
        self.middle = nn.Conv2d(8, 8, 3, 1, 1)
        self.up = nn.ModuleList([nn.ConvTranspose2d(8, 4, 2, 2), nn.ConvTranspose2d(4, 4, 2, 2)])
        self.helper = nn.Conv2d(8, 4, 1)
        self.out = nn.Conv2d(4, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        whole = x
        for conv in self.down:
            x = F.max_pool2d(F.relu(conv(x)), 2)
        x = F.elu(self.middle(x))
        extra = F.silu(self.helper(x)).mean() if self.training else 0.0
        for conv in self.up:
            x = F.relu(conv(x))
        if x.shape[-2:] != whole.shape[-2:]:
            x = F.interpolate(x, whole.shape[-2:])
        return torch.sigmoid(self.out(x) + extra)


class InPlaceTrap(nn.Module):
    """The result is thrown away: the input must be overwritten."""

    def __init__(self, outputs: int = 10):
        super().__init__()
        self.a = nn.Linear(64, 64)
        self.b = nn.Linear(64, outputs)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x.flatten(1))
        F.relu_(x)
        return self.b(x)


class Pair(Loop):
    """Gives two results, of which one is no tensor."""

    def forward(self, x):
        return super().forward(x), {"length": len(x)}


class Words(nn.Module):
    """Predicts each next token."""

    def __init__(self, outputs: int):
        super().__init__()
        self.embedding = nn.Embedding(outputs, 8)
        self.head = nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(F.relu(self.embedding(x)))


class InTraining(nn.Module):
    """Its own PReLUs behind linear layers, and a site that acts in training alone."""

    def __init__(self, num_classes: int = 10):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(64, 16), nn.Linear(16, 16), nn.Linear(16, 16)
        self.prelu = nn.PReLU(16)
        self.w = nn.Parameter(torch.full((16,), 0.25))
        self.out = nn.Linear(16, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.prelu(self.b(self.prelu(self.a(x.flatten(1)))), self.w)
        if self.training:
            x = x + F.relu(self.c(x))
        return self.out(x)


class Auxiliary(Loop):
    """Gives two results in training."""

    def forward(self, x):
        found = super().forward(x)
        return (found, found) if self.training else found
