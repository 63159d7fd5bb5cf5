"""Sites and their functions for a training loop of one's own."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import activation_search
from activation_search.errors import UserError

from . import zoo

X = torch.randn(4, 1, 16, 16, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def resnet() -> nn.Module:
    torch.manual_seed(0)
    return zoo.ResNet18(divide=8)


def test_sites_print_themselves(resnet: nn.Module) -> None:
    found = activation_search.sites(resnet, sample=X[:2])
    assert len(found) == 17
    assert str(found[0]).startswith("relu: relu, 8 channels, zoo.py:")


def test_a_copy_is_trained_by_any_loop(resnet: nn.Module) -> None:
    before = copy.deepcopy(resnet.state_dict())
    model = activation_search.replace(resnet, {"layer1_*": "gelu", "*": "prelu"}, sample=X[:2])
    assert type(model) is zoo.ResNet18
    assert set(before) <= set(model.state_dict())
    assert str(model.activation_sites["layer1_0_relu"]).startswith("Function(gelu")
    learned = [p for name, p in model.named_parameters() if name.startswith("activation_sites.")]
    assert len(learned) == 13  # all but the four of layer 1
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    start = [p.detach().clone() for p in learned]
    F.cross_entropy(model(X), torch.tensor([0, 1, 2, 3])).backward()
    optimizer.step()
    assert all(not torch.equal(a, b) for a, b in zip(start, learned, strict=True))
    for name, value in resnet.state_dict().items():
        assert torch.equal(value, before[name])  # the original is as it was


def test_all_hidden_sites_at_once(resnet: nn.Module) -> None:
    class ByHand(zoo.BasicBlock):
        def forward(self, x: Tensor) -> Tensor:
            identity = x if self.downsample is None else self.downsample(x)
            out = torch.tanh(self.bn1(self.conv1(x)))
            return torch.tanh(self.bn2(self.conv2(out)) + identity)

    by_hand = copy.deepcopy(resnet)
    by_hand.relu = nn.Tanh()
    for module in by_hand.modules():
        if isinstance(module, zoo.BasicBlock):
            module.__class__ = ByHand
    model = activation_search.replace(resnet, "tanh", sample=X[:2])
    torch.testing.assert_close(model(X), by_hand(X))


def test_restored_it_is_an_ordinary_module() -> None:
    net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    x = torch.randn(3, 4)
    model = activation_search.replace(net, "mish", sample=x)
    plain = activation_search.restore(model)
    torch.testing.assert_close(plain(x), model(x), rtol=0, atol=0)
    torch.testing.assert_close(plain(x), net[2](F.mish(net[0](x))))
    assert [type(m).__name__ for m in plain] == ["Linear", "Function", "Linear"]


def test_what_cannot_be_restored_is_a_sentence(resnet: nn.Module) -> None:
    model = activation_search.replace(resnet, "tanh", sample=X[:2])
    with pytest.raises(UserError, match="acts at several sites"):
        activation_search.restore(model)
    loop = activation_search.replace(zoo.Loop(), "tanh", sample=torch.randn(2, 64))
    with pytest.raises(UserError, match="calls activations in its code"):
        activation_search.restore(loop)
    with pytest.raises(UserError, match="two or more inputs"):
        activation_search.sites(zoo.Loop(), sample=torch.randn(1, 64))
    with pytest.raises(UserError, match="Unknown site 'nosuch'"):
        activation_search.replace(zoo.Loop(), {"nosuch": "gelu"}, sample=torch.randn(2, 64))
