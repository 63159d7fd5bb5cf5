"""The advice names functions that exist, and the models follow it."""

from fnmatch import fnmatchcase

from activation_search.activations import find
from activation_search.config.models import BUILT_IN
from activation_search.models.advice import HIDDEN_ADVICE, OUTPUTS
from activation_search.models.factory import network_class

from .conftest import CONFIGS, SERIES


def test_model_defaults_are_among_what_is_advised() -> None:
    assert set(HIDDEN_ADVICE) == set(BUILT_IN)
    for model, config in CONFIGS.items():
        for site in network_class(model).sites(config, SERIES, 10):
            [advice] = [
                advice
                for advice in HIDDEN_ADVICE[model]
                if any(fnmatchcase(site.name, place) for place in advice.place.split(", "))
            ]
            assert site.default == advice.choose[0]


def test_names_are_in_the_catalogue() -> None:
    for advice in [a for several in HIDDEN_ADVICE.values() for a in several]:
        for name in advice.choose:
            find(name)
    assert [advice.choose[0] for advice in OUTPUTS] == [
        "softmax", "sigmoid", "identity", "tanh", "softmax",
    ]  # fmt: skip
