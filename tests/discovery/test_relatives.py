"""The closest function of the catalogue."""

import pytest

from activation_search.activations import ENTRIES
from activation_search.activations.formula.parse import parse
from activation_search.discovery.relatives import comparable, nearest


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1.7 * x * sigmoid(x)", "1.70 silu(x), exactly"),
        ("3 * tanh(x)", "3.00 tanh(x), exactly"),
        ("-max(-x, 0)", "-1.00 relu(-1.00 x), exactly"),
        ("x * (1 + erf(x / sqrt(2))) / 2", "gelu(x), exactly"),
    ],
)
def test_the_same_but_for_scales(text: str, words: str) -> None:
    assert str(nearest(parse(text))) == words


def test_stretched() -> None:
    found = nearest(parse("x * sigmoid(3 * x)"))
    assert found.error < 1e-6
    # x sigmoid(1.702 x) is the first of that kind in the catalogue.
    assert found.name == "quick_gelu"
    assert (found.scale, found.stretch) == pytest.approx((1.702 / 3, 3 / 1.702), rel=1e-3)


def test_one_that_has_no_like() -> None:
    found = nearest(parse("sin(3 * x) * x"))
    assert found.error > 0.01
    assert str(found).endswith("of it left")


def test_constants_count() -> None:
    assert nearest(parse("a * x * sigmoid(x)"), {"a": 2.0}).scale == pytest.approx(2.0, rel=0.02)


def test_what_is_compared() -> None:
    assert {"relu", "gelu", "prelu", "snake"} <= set(comparable())
    assert not {"custom", "formula", "swiglu", "rrelu"} & set(comparable())
    assert set(comparable()) <= set(ENTRIES)
