"""The curve of an activation as it stands."""

import torch

from activation_search.activations import Activation
from activation_search.activations.curve import learned_curve

X = torch.tensor([-2.0, -1.0, 0.0, 3.0])


def test_what_a_result_states_of_a_learned_function() -> None:
    found = learned_curve(Activation.parse("prelu"), {"weight": [0.5, 0.25]}, X)
    expected = torch.tensor([[-1.0, -0.5], [-0.5, -0.25], [0.0, 0.0], [3.0, 3.0]])
    torch.testing.assert_close(found, expected)


def test_equal_channels_are_one_column_and_so_is_what_learns_nothing() -> None:
    assert learned_curve(Activation.parse("prelu"), {"weight": [0.5, 0.5]}, X).shape == (4, 1)
    torch.testing.assert_close(learned_curve(Activation.parse("relu"), {}, X), X.relu()[:, None])
