"""Callbacks and loggers as settings list them, and trackers."""

import pytest

from activation_search.config.compose import compose
from activation_search.config.own_parts import OwnPart, parse_parts
from activation_search.config.parts import tracker_names
from activation_search.config.run import check_run
from activation_search.errors import UserError


def test_paths_and_mappings() -> None:
    assert parse_parts("x", ["a.B", {"target": "c.EMA", "decay": 0.9}]) == [
        OwnPart("a.B", {}),
        OwnPart("c.EMA", {"decay": 0.9}),
    ]


@pytest.mark.parametrize("given", ["a.B", [3], [None], [""], [{"decay": 1}], [{"target": 3}]])
def test_anything_else(given: object) -> None:
    with pytest.raises(UserError, match=r"trainer\.callbacks (must be a list|lists import paths)"):
        parse_parts("trainer.callbacks", given)


def test_on_the_command_line() -> None:
    config = compose(["trainer.callbacks=[m.A,{target: m.EMA, decay: 0.9}]"])
    assert config.trainer.callbacks == ["m.A", {"target": "m.EMA", "decay": 0.9}]
    with pytest.raises(UserError, match="lists import paths"):
        check_run(compose(["trainer.loggers=[1]"]))


def test_code_that_is_named_needs_trust() -> None:
    config = compose(
        [
            "trainer.callbacks=[m.A,{target: m.EMA, decay: 0.9}]",
            "trainer.loggers=[m.Log]",
            "optim.target=m.Muon",
            "optim.schedule_target=m.warm",
        ]
    )
    assert config.import_paths() == {"m.A", "m.EMA", "m.Log", "m.Muon", "m.warm"}


def test_what_only_shows_a_run_is_not_part_of_it() -> None:
    shown = ["trainer.loggers=[m.Log]", "trainer.profiler=simple", "tracker=[csv,mlflow]"]
    assert compose(shown).identity() == compose().identity()
    assert compose(["trainer.callbacks=[m.A]"]).identity() != compose().identity()


def test_trackers() -> None:
    assert tracker_names(None) == []
    assert tracker_names("csv") == ["csv"]
    assert tracker_names(["wandb", "csv", "wandb"]) == ["wandb", "csv"]
    with pytest.raises(UserError, match="Unknown tracker 'wanbd', did you mean 'wandb'"):
        check_run(compose(["tracker=wanbd"]))
    with pytest.raises(UserError, match=r"tracker=wandb .*tensorboard\.enabled=true"):
        check_run(compose(["tracker=wandb", "tensorboard.enabled=false"]))
