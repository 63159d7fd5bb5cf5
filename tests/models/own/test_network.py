"""A user's model with activations at its sites: exact, copyable, and its weights its own."""

import copy
import pickle
import threading
import warnings

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from activation_search.config.models import FunctionModelConfig
from activation_search.data.sample import Sample
from activation_search.errors import UserError
from activation_search.models.factory import build_network, sites_of
from activation_search.models.own.install import mode_depth

from . import zoo

HERE = "tests.models.own.zoo"
IMAGE, SERIES = Sample("image", (1, 8, 8)), Sample("series", (7, 2))
MODELS = {
    "ResNet18": (Sample("image", (1, 16, 16)), {"divide": 8}),
    "MNISTExample": (IMAGE, {}),
    "Loop": (IMAGE, {}),
    "Flat": (IMAGE, {}),
    "HandRNN": (SERIES, {}),
    "HandLSTM": (SERIES, {}),
    "Encoder": (SERIES, {}),
    "FusedLSTM": (SERIES, {}),
    "Mobile": (IMAGE, {}),
    "Repeated": (IMAGE, {}),
}


def network(name: str, activation: object = "default", layers: object = None, seed: int = 0):
    sample, args = MODELS[name]
    config = FunctionModelConfig(function=f"{HERE}.{name}", args=args)
    given = {"name": activation, "layers": layers or {}}
    return build_network(config, given, sample, 10, "own", seed)


def inputs(name: str, size: int = 4) -> Tensor:
    return torch.randn(size, *MODELS[name][0].shape, generator=torch.Generator().manual_seed(1))


def plain(name: str, net: nn.Module) -> nn.Module:
    """The user's own class with the same weights."""
    model = getattr(zoo, name)(**MODELS[name][1])
    model.load_state_dict(net.model.state_dict())
    return model


def outcome(model: nn.Module, x: Tensor) -> list[Tensor]:
    """Outputs and the gradients of all weights, under one seed."""
    torch.manual_seed(0)
    model.zero_grad()
    y = model(x)
    y.square().sum().backward()
    return [y.detach(), *(p.grad.clone() for p in model.parameters() if p.grad is not None)]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("training", [True, False])
def test_with_its_own_functions_it_is_the_untouched_model(name: str, training: bool) -> None:
    net = network(name)
    for size in (4, 7):  # not those of the survey
        x = inputs(name, size)
        ours, theirs = (outcome(m.train(training), x) for m in (net.model, plain(name, net)))
        assert len(ours) == len(theirs) > 1
        for a, b in zip(ours, theirs, strict=True):
            # Torch's fast path of evaluation rounds in another order.
            torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


class LoopByHand(zoo.Loop):
    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(1)
        for layer, f in zip(self.layers, (torch.tanh, F.silu, F.gelu), strict=True):
            x = f(layer(x))
        for layer, f in zip(self.more, (F.elu, F.softsign), strict=True):
            x = f(x + layer(x))
        return self.head(x)


class CellByHand(zoo.Cell):
    def forward(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = self.linear(torch.cat([x, h], 1)).chunk(4, 1)
        c = F.hardsigmoid(f) * c + torch.sigmoid(i) * F.softsign(g)
        return torch.sigmoid(o) * torch.sin(c), c


class LSTMByHand(zoo.HandLSTM):
    def __init__(self) -> None:
        super().__init__()
        self.cell = CellByHand(2, 8)


class BlockByHand(zoo.BasicBlock):
    functions = (F.gelu, torch.tanh)

    def forward(self, x: Tensor) -> Tensor:
        identity = x if self.downsample is None else self.downsample(x)
        out = self.functions[0](self.bn1(self.conv1(x)))
        return self.functions[1](self.bn2(self.conv2(out)) + identity)


def resnet_by_hand() -> nn.Module:
    model = zoo.ResNet18(divide=8)
    model.relu = nn.SiLU()
    for module in model.modules():
        if isinstance(module, zoo.BasicBlock):
            module.__class__ = BlockByHand
    return model


BY_HAND = {
    "Loop": (LoopByHand, {"relu": "tanh", "relu_1": "silu", "relu_2": "gelu", "act": "elu",
                          "act_1": "softsign"}),
    "HandLSTM": (LSTMByHand, {"cell_sigmoid_1": "hard_sigmoid", "cell_tanh": "softsign",
                              "cell_tanh_1": "sin"}),
    "ResNet18": (resnet_by_hand, {"relu": "silu", "*_relu": "gelu", "*_relu_1": "tanh"}),
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
@pytest.mark.parametrize("training", [True, False])
def test_other_functions_are_the_model_written_out_by_hand(name: str, training: bool) -> None:
    written, layers = BY_HAND[name]
    net, by_hand = network(name, layers=layers), written()
    by_hand.load_state_dict(net.model.state_dict())
    x = inputs(name)
    ours, theirs = (outcome(m.train(training), x) for m in (net.model, by_hand))
    for a, b in zip(ours, theirs, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("reentrant", [True, False])
def test_checkpointing_gives_the_same_gradients(reentrant: bool) -> None:
    net = network("ResNet18", layers={"*_relu": "gelu", "*_relu_1": "tanh"})
    net.model.train()
    x = inputs("ResNet18").requires_grad_()
    expected = outcome(net.model, x)

    class Checkpointed(nn.Module):
        def __init__(self, inner: nn.Module):
            super().__init__()
            self.inner = inner

        def forward(self, x: Tensor) -> Tensor:
            return checkpoint(self.inner, x, use_reentrant=reentrant)

    for number in range(1, 5):
        layer = getattr(net.model, f"layer{number}")
        for i, block in enumerate(layer):
            layer[i] = Checkpointed(block)
    # Statistics of batch norm move twice; in training mode outputs do not depend on them.
    found = outcome(net.model, x)
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-6)


def test_a_copy_is_whole_and_its_own() -> None:
    for name in ("Loop", "ResNet18", "HandLSTM"):
        net = network(name, "prelu").eval()
        x = inputs(name)
        before = net(x)
        other = copy.deepcopy(net)
        through = pickle.loads(pickle.dumps(net))
        with torch.no_grad():
            for parameter in net.parameters():
                parameter.add_(1.0)
        torch.testing.assert_close(other(x), before, rtol=0, atol=0)
        torch.testing.assert_close(through(x), before, rtol=0, atol=0)
        assert not torch.equal(net(x), before)


def test_threads_do_not_disturb_each_other() -> None:
    nets = [network("Loop", name).eval() for name in ("tanh", "gelu", "prelu")]
    x = inputs("Loop")
    expected = [net(x).detach() for net in nets]
    wrong = []

    def run(number: int) -> None:
        for _ in range(30):
            if not torch.equal(nets[number](x).detach(), expected[number]):
                wrong.append(number)

    threads = [threading.Thread(target=run, args=(n,)) for n in (0, 1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_an_exception_leaves_no_mode_behind() -> None:
    net = network("Loop", "tanh")
    with pytest.raises(RuntimeError):
        net(torch.randn(2, 3))
    assert mode_depth() == 0
    assert net(inputs("Loop")).shape == (4, 10)


@pytest.mark.parametrize("name", MODELS)
def test_the_users_weights_keep_their_names(name: str) -> None:
    net = network(name, "gelu")
    fresh = getattr(zoo, name)(**MODELS[name][1])
    assert list(net.model.state_dict()) == list(fresh.state_dict())


def test_learned_parameters_of_a_resnet() -> None:
    sample = Sample("image", (1, 32, 32))
    config = FunctionModelConfig(function=f"{HERE}.ResNet18")
    net = build_network(config, {"name": "prelu", "layers": {}}, sample, 10, "own")
    assert sum(p.numel() for p in net.activations.parameters()) == 3904
    assert len(net.activations) == 17


def test_weights_depend_on_the_seed_alone() -> None:
    def weights(activation: str, seed: int) -> list[Tensor]:
        return list(network("Loop", activation, seed=seed).model.state_dict().values())

    for a, b in zip(weights("relu", 0), weights("apl", 0), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(weights("relu", 0)[0], weights("relu", 1)[0])


def test_compiled_it_gives_the_same() -> None:
    net = network("Loop", layers={"relu": "tanh", "act": "gelu"}).eval()
    x = inputs("Loop")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the compiler, about what it leaves out
        compiled = torch.compile(net, backend="eager")
        torch.testing.assert_close(compiled(x), net(x), rtol=0, atol=0)


def test_autocast() -> None:
    net = network("Loop", "gelu").eval()
    with torch.autocast("cpu", torch.bfloat16):
        assert net(inputs("Loop")).dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("InPlaceTrap", {}, r"overwrite its input in place.*zoo\.py:\d+"),
        ("MNISTExample", {"log_softmax": True}, "ends in log_softmax, which the task puts itself"),
        ("Loop", {"outputs": 7}, r"gives \[2, 7\] where this task needs \[2, 10\]"),
        ("Auxiliary", {}, r"gives tuple in training mode where this task needs \[2, 10\]"),
        ("Pair", {}, r"gives tuple where this task needs \[2, 10\]"),
        ("Loop", {"nosuch": 7}, "failed: TypeError: .*nosuch"),
        ("HandRNN", {}, r"fails on a batch \[2, 1, 8, 8\]: .*zoo\.py:\d+\)"),
        ("IMAGE", {}, "names nothing callable"),
        ("torch.rand", {"size": [2]}, "must return a torch.nn.Module, not Tensor"),
    ],
)
def test_what_cannot_be_used_is_a_sentence(name: str, args: dict, message: str) -> None:
    config = FunctionModelConfig(function=f"{HERE}.{name}", args=args)
    with pytest.raises(UserError, match=message) as caught:
        build_network(config, {"name": "gelu", "layers": {}}, IMAGE, 10, "own")
    assert "\n" not in str(caught.value)
    assert mode_depth() == 0


@pytest.mark.parametrize(
    ("activation", "layers", "message"),
    [
        ("swiglu", {}, "swiglu changes the number of channels, and no layer of this model"),
        ("relu", {"act": "swiglu"}, "cannot stand at act"),
        ("relu", {"nosuch": "gelu"}, "Unknown site 'nosuch'"),
        ("relu", {"head": "gelu"}, "The output takes no activation"),
    ],
)
def test_what_does_not_fit_is_a_sentence(activation: str, layers: dict, message: str) -> None:
    with pytest.raises(UserError, match=message):
        network("Loop", activation, layers)


def test_names_may_be_dotted_or_nested() -> None:
    nested = network("ResNet18", layers={"layer1": {0: {"relu": "gelu", "relu_1": "tanh"}}})
    dotted = network("ResNet18", layers={"layer1.0.relu": "gelu", "layer1.0.relu_1": "tanh"})
    assert nested.assignment_text == dotted.assignment_text
    assert nested.assignment_text["layer1_0_relu"] == "gelu"
    pattern = network("ResNet18", layers={"layer1.*": "gelu"})
    assert pattern.assignment_text["layer1_1_relu"] == "gelu"


def test_tokens_arrive_as_whole_numbers_that_an_embedding_takes() -> None:
    config = FunctionModelConfig(function=f"{HERE}.Words")
    net = build_network(config, "gelu", Sample("tokens", (6,), vocabulary=11), 11, "own")
    tokens = torch.randint(11, (4, 6), dtype=torch.uint8)  # as data sets keep them
    assert torch.equal(net(tokens), net(tokens.long()))


def test_sites_can_be_chosen_by_pattern() -> None:
    config = FunctionModelConfig(function=f"{HERE}.HandLSTM", sites=["cell_sigmoid*"])
    filled = [site.name for site in sites_of(config, SERIES, 10) if site.fills]
    assert filled == ["cell_sigmoid", "cell_sigmoid_1", "cell_sigmoid_2"]


def test_the_fast_path_of_evaluation_is_off() -> None:
    net = network("Encoder", "tanh").eval()
    x = inputs("Encoder")
    with torch.no_grad():
        quick = net(x)
    torch.testing.assert_close(quick, net(x).detach(), rtol=1e-5, atol=1e-6)
    assert not torch.allclose(quick, network("Encoder").eval()(x), atol=1e-3)
