"""Sites of Hugging Face's models, and training with functions that are not their own.

Needs transformers, which the project does not depend on.
"""

from collections.abc import Callable

import pytest

from activation_search.config.models import FunctionModelConfig
from activation_search.config.run import TrainConfig
from activation_search.data.sample import Sample
from activation_search.models.factory import sites_of
from activation_search.training.run import train

pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

HERE = "tests.models.own.hugging_face"
TEXT, DIGIT = Sample("tokens", (32,), vocabulary=20), Sample("image", (1, 8, 8))


@pytest.mark.parametrize(
    ("name", "sample", "own", "count"),
    [("gpt2", TEXT, "gelu_tanh", 2), ("vit", DIGIT, "gelu", 2), ("Sentiment", TEXT, "gelu", 2)],
)
def test_sites(name: str, sample: Sample, own: str, count: int) -> None:
    sites = sites_of(FunctionModelConfig(function=f"{HERE}.{name}"), sample, 20)
    assert [str(site.default) for site in sites] == [own] * count
    assert all(site.fills for site in sites)


@pytest.mark.parametrize(("name", "data"), [("gpt2", "text"), ("vit", "digits")])
def test_trained_with_another_function(
    name: str, data: str, small: Callable[..., TrainConfig]
) -> None:
    own = ["model=function", f"model.function={HERE}.{name}", f"data={data}"]
    quick = ["trainer.max_steps=20", "trainer.progress=false", "trainer.accelerator=cpu"]
    from activation_search.config.compose import compose

    config: TrainConfig = compose([*own, *quick, f"logs={small().logs}", "activation=prelu"])
    result = train(config)
    assert result.status == "finished"
    assert set(result.assignment.values()) == {"prelu"}
    assert len(result.learned) == 2
