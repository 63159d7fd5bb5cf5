"""Activations as configurations carry them."""

import pytest

from activation_search.activations import Activation
from activation_search.errors import UserError


def test_defaults_spelled_out_change_nothing() -> None:
    spelled = {"name": "leaky_relu", "negative_slope": 0.01}
    assert Activation.parse(spelled) == Activation.parse("leaky_relu")


def test_text_and_plain_form() -> None:
    activation = Activation.parse({"name": "leaky_relu", "negative_slope": 0.2})
    assert str(activation) == "leaky_relu(negative_slope=0.2)"
    assert activation.as_dict() == {"name": "leaky_relu", "negative_slope": 0.2}
    assert Activation.parse(activation.as_dict()) == activation


def test_whole_numbers_become_the_type_of_the_default() -> None:
    assert dict(Activation.parse({"name": "elu", "alpha": 2}).parameters) == {"alpha": 2.0}
    assert dict(Activation.parse({"name": "apl", "hinges": 5}).parameters) == {"hinges": 5}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("gleu", "Unknown activation 'gleu'"),
        ({"negative_slope": 0.2}, "needs a name"),
        ({"name": "relu", "slope": 1}, "Unknown parameter of relu 'slope'; none is allowed"),
        ({"name": "leaky_relu", "negative_slop": 1}, "did you mean 'negative_slope'"),
        ({"name": "leaky_relu", "negative_slope": "steep"}, "must be a number, not 'steep'"),
        ({"name": "leaky_relu", "negative_slope": True}, "must be a number, not True"),
        ({"name": "apl", "hinges": 2.0000001}, "must be a whole number, not 2.0000001"),
        ({"name": "apl", "hinges": 2.5}, "must be a whole number, not 2.5"),
        ({"name": "apl", "hinges": float("nan")}, "must be a whole number, not nan"),
        ({"name": "pwlu", "bins": float("inf")}, "must be a whole number, not inf"),
        ({"name": "apl", "hinges": 10**400}, "must be a whole number, not inf"),
        ({"name": "leaky_relu", "negative_slope": 10**400}, "must be a finite number, not inf"),
        ({"name": "leaky_relu", "negative_slope": -(10**400)}, "finite number, not -inf"),
        ({"name": "apl", "hinges": 0}, r"must lie in \[1, 16\], not 0\.$"),
        ({"name": "prelu", "sharing": "pixel"}, "allowed: channel, layer"),
        ({"name": "leaky_relu", "negative_slope": float("nan")}, "must be a finite number"),
        ("custom", "needs the import path"),
        ({"name": "custom", "target": "m.f", "alpha": [1]}, "must be a number or a word"),
        (None, "Unknown activation"),
    ],
)
def test_mistakes(given: object, message: str) -> None:
    with pytest.raises(UserError, match=message):
        Activation.parse(given)
