"""Learned tensors: shapes, gradients, sharing, compilation."""

import pytest
import torch

from activation_search.activations import ENTRIES, build

# Shape of every learned tensor for 6 channels, one value per channel or one per layer.
SHAPES = {
    "prelu": {"weight": (6,)},
    "swish_beta": {"beta": (6,)},
    "pelu": {"a": (6,), "b": (6,)},
    "srelu": {"tr": (6,), "ar": (6,), "tl": (6,), "al": (6,)},
    "apl": {"slopes": (3, 6), "hinges": (3, 6)},
    "pwlu": {"heights": (17, 1), "left_slope": (1,), "right_slope": (1,)},
    "rational": {"numerator": (6, 1), "denominator": (4, 1)},
    "acon_c": {"p1": (6,), "p2": (6,), "beta": (6,)},
    "smu": {"mu": (1,)},
    "aglu": {"lambda_": (1,), "kappa": (1,)},
    "blend": {"weights": (5, 1)},
    "snake": {"a": (6,)},
    "star_relu": {"s": (1,), "b": (1,)},
    "xielu": {"raw_p": (1,), "raw_n": (1,)},
    "probact": {"sigma": (1,)},
}
by_name = pytest.mark.parametrize("name", SHAPES)


def test_all_learnable_entries_are_listed_here() -> None:
    assert set(SHAPES) == {name for name, entry in ENTRIES.items() if entry.learns}


@by_name
def test_parameter_and_gradient_shapes(name: str) -> None:
    module = build(name, channels=6)
    assert {n: tuple(p.shape) for n, p in module.named_parameters()} == SHAPES[name]
    assert set(ENTRIES[name].learns) == set(SHAPES[name])
    torch.manual_seed(0)
    weights = torch.randn(64, 6, 5)
    (weights * module(torch.randn(64, 6, 5) * 2)).sum().backward()
    gradients = {n: tuple(p.grad.shape) for n, p in module.named_parameters() if p.grad is not None}
    assert gradients == SHAPES[name]
    # Where a hinge changes no slope yet, moving it changes nothing: it waits for the slopes.
    idle = {"apl": {"hinges"}, "srelu": {"tr"}}.get(name, set())
    zero = {n for n, p in module.named_parameters() if p.grad is not None and not p.grad.any()}
    assert zero == idle


@by_name
def test_sharing(name: str) -> None:
    for sharing, count in (("channel", 6), ("layer", 1)):
        module = build(name, channels=6, sharing=sharing)
        assert {p.shape[-1] for p in module.parameters()} == {count}
        assert module(torch.randn(2, 6, 3)).shape == (2, 6, 3)


@by_name
def test_each_channel_uses_its_own_values(name: str) -> None:
    module = build(name, channels=2, sharing="channel").eval()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter[..., 1] += 0.375
    x = torch.linspace(-2, 2, 41)
    y = module(torch.stack([x, x], 1))
    single = build(name, channels=1, sharing="channel").eval()
    torch.testing.assert_close(y[:, :1], single(x[:, None]))
    if name != "probact":  # its parameter acts while training only
        assert not torch.equal(y[:, 0], y[:, 1])


@by_name
def test_traces_into_one_graph(name: str) -> None:
    torch.compiler.reset()
    module = build(name, channels=4).eval()
    x = torch.randn(8, 4, 3)
    compiled = torch.compile(module, backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(x), module(x))


def test_start_values_named_by_parameters() -> None:
    assert build("prelu", channels=3, init=0.1).weight.tolist() == pytest.approx([0.1] * 3)
    assert build("swish_beta", channels=2, beta=1.5).beta.tolist() == [1.5, 1.5]
    raw = build("xielu", alpha_p=0.8).raw_p
    assert torch.nn.functional.softplus(raw).item() == pytest.approx(0.8)
    assert build("xielu", alpha_p=200.0).raw_p.item() == 200.0


def test_scales_that_a_formula_divides_by_stay_away_from_zero() -> None:
    module = build("pelu", channels=1)
    with torch.no_grad():
        module.b.fill_(-3.0)
    # b acts as 0.1: a / b x = 10 x
    assert module(torch.tensor([[1.0]])).item() == pytest.approx(10.0)


def test_snake_at_zero_frequency_is_the_identity_with_a_gradient() -> None:
    module = build("snake", channels=1, a=0.0)
    x = torch.tensor([[-2.0], [3.0]])
    y = module(x)
    torch.testing.assert_close(y, x)
    y.sum().backward()
    assert module.a.grad.item() == pytest.approx(4 + 9)  # d/da (x + a x^2) = x^2


def test_pwlu_between_and_outside_its_knots() -> None:
    module = build("pwlu", bins=2, bound=1.0)
    with torch.no_grad():
        module.heights[:, 0] = torch.tensor([1.0, 0.0, 4.0])
        module.left_slope.fill_(-2.0)
        module.right_slope.fill_(0.5)
    x = torch.tensor([[-2.0], [-1.0], [-0.5], [0.0], [0.5], [1.0], [3.0]])
    assert module(x)[:, 0].tolist() == pytest.approx([3.0, 1.0, 0.5, 0.0, 2.0, 4.0, 5.0])


def test_rational_computes_in_float32_under_autocast() -> None:
    module = build("rational")
    x = torch.linspace(-20, 20, 99)[:, None]
    with torch.autocast("cpu", torch.bfloat16):
        mixed = module(x)
    torch.testing.assert_close(mixed, module(x), rtol=0, atol=0)
