"""The command that repeats a run: read back, it is the same configuration."""

import shlex
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from activation_search.config.compose import compose
from activation_search.config.overrides import to_overrides, what_differs
from activation_search.config.run import TrainConfig, from_dict

PATHS = [
    "plain.csv", "/abs/x-1.csv", "data (1).csv", "a[1].csv", "a=b.csv", "a,b.csv", "a#b.csv",
    "it's.csv", "größe.csv", "~/x.csv", "C:\\x\\", "a\\'b", "'", "null", "true", "1e3",
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
def test_any_path_is_read_back(path: str) -> None:
    config: TrainConfig = compose(["model=mlp", "data=csv"])
    config.data.path = path  # type: ignore[attr-defined]
    config.data.target = "price (usd)"  # type: ignore[attr-defined]
    again: TrainConfig = compose(to_overrides(config))
    assert again == config


def test_only_what_differs_is_written() -> None:
    overrides = ["model=mlp", "data=digits", "activation=leaky_relu", "data.reconstruct=true",
                 "activation.negative_slope=0.2", "model.code=8", "optim.lr=0.01"]  # fmt: skip
    config: TrainConfig = compose(overrides)
    assert set(to_overrides(config)) == set(overrides)
    assert compose(to_overrides(config)) == config


def test_code_of_ones_own_and_its_arguments_are_read_back() -> None:
    overrides = ["model=cnn", "data=digits", "optim.target=m.Muon", "optim.args={ns_steps: 5}",
                 "trainer.callbacks=[{target: m.EMA, decay: 0.9}, m.B]", "task.metric=macro_f1",
                 "data.class_weights=balanced", "optim.schedule_target=m.warm",
                 "optim.schedule_args={warm: 3}"]  # fmt: skip
    config: TrainConfig = compose(overrides)
    assert set(to_overrides(config)) == set(overrides)
    assert compose(to_overrides(config)) == config


@pytest.mark.parametrize(
    "layers",
    [
        "{conv*: relu2}",
        "{conv*: {name: prelu, init: 0.1}, fc1: tanh}",
        r"{conv\[12\]: relu, *: tanh}",
        "{conv?: relu}",
    ],
)
def test_patterns_of_sites_are_read_back(layers: str) -> None:
    config: TrainConfig = compose(["activation=gelu", f"activation.layers={layers}"])
    assert compose(to_overrides(config)) == config


BASE: dict[str, Any] = compose(["model=mlp", "data=csv", "data.path=a.csv"]).as_dict()
# Signs that shells, YAML and Hydra's grammar read as something else; `${` begins a reference to
# another setting, in every string.
TEXT = st.text("ab Z09.,:;=+-~!?*%&|<>()[]{}'\"\\/#@^_`\t$", min_size=1, max_size=12).filter(
    lambda text: text.strip() and "${" not in text
)


def _is_text(key: str) -> bool:
    """Sites have names; Hydra takes these words for values, also as keys."""
    return key not in ("null", "true", "false", "nan", "inf")


@settings(max_examples=100, derandomize=True, deadline=None, database=None, phases=[Phase.generate])
@given(
    path=TEXT,
    target=TEXT,
    patterns=st.dictionaries(
        st.from_regex(r"[a-z*?][a-z0-9*?_\[\]]{0,6}", fullmatch=True).filter(_is_text),
        st.one_of(
            st.sampled_from(["relu", "gelu"]),
            st.floats(0.01, 0.5).map(lambda init: {"name": "prelu", "init": init}),
        ),
        max_size=3,
    ),
    lr=st.floats(1e-8, 1e3),
    clip=st.none() | st.floats(1e-8, 1e3),
    seed=st.integers(0, 2**62),
)
def test_any_run_is_repeated(
    path: str, target: str, patterns: dict[str, Any], lr: float, clip: float | None, seed: int
) -> None:
    plain = {
        **BASE,
        "seed": seed,
        "optim": {**BASE["optim"], "lr": lr, "clip": clip},
        "data": {**BASE["data"], "path": path, "target": target},
        "activation": {"name": "default", "layers": patterns},
    }
    config: TrainConfig = from_dict(plain)
    pasted = shlex.split(shlex.join(to_overrides(config)))
    again: TrainConfig = compose(pasted)
    assert again.identity() == config.identity()


def test_what_differs_is_written_for_all() -> None:
    configs: list[TrainConfig] = [
        compose(["activation=relu", "seed=1", "trainer.max_epochs=3"]),
        compose(["activation=leaky_relu", "activation.negative_slope=0.2", "trainer.max_epochs=3"]),
        compose(["optim.lr=0.1", "trainer.max_epochs=3"]),
    ]
    assert what_differs(configs) == [
        {"activation": "relu", "activation.negative_slope": "", "optim.lr": "0.005"},
        {"activation": "leaky_relu", "activation.negative_slope": "0.2", "optim.lr": "0.005"},
        {"activation": "default", "activation.negative_slope": "", "optim.lr": "0.1"},
    ]
    assert what_differs(configs[:1]) == [{}]
