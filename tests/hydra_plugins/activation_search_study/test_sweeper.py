"""``hydra/sweeper=study``: the study of ``scripts/sweep.py``, asked for in Hydra's words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from optuna.storages import JournalStorage

import activation_search as acts
from activation_search.config.run import TrainConfig
from activation_search.search import sweep as sweep_module
from activation_search.search.study import open_storage
from hydra_plugins.activation_search_study._translate import translated

from ...command import Command
from ...pretend import Score

SETTINGS = {"n_trials": 24, "n_jobs": "auto", "study_name": None, "storage": None,
            "sampler": "auto", "pruner": "none"}  # fmt: skip
STUDY = ["trials=24", "workers=auto", "name=null", "storage=null", "sampler=auto", "pruner=none"]
QUICK = ["model=mlp", "data=digits", "trainer.max_epochs=1", "trainer.accelerator=cpu"]


def translate(*words: str, **settings: Any) -> list[str]:
    """Without what every study has."""
    overrides = OverridesParser.create().parse_overrides(list(words))
    return [o for o in translated(overrides, SETTINGS | settings) if o not in STUDY]


TRANSLATIONS = {
    "activation=relu,gelu model=mlp": [
        "model=mlp", "search=global", "search.candidates=[relu,gelu]", "search.hparams={}",
    ],
    "activation=choice(relu,gelu) optim.lr=tag(log,interval(1e-4,1e-1))": [
        "search=global", "search.candidates=[relu,gelu]",
        "search.hparams={optim.lr:{low:0.0001,high:0.1,log:true}}",
    ],
    "activation=gelu model.width=interval(16,64) model.norm=none,batch": [
        "activation=gelu", "search=per_layer", "search.sites=[]",
        "search.hparams={model.width:{low:16,high:64,log:false},model.norm:[none,batch]}",
    ],
    "model.depth=range(1,4) optim.lr=0.1,0.2": [
        "search=per_layer", "search.sites=[]",
        "search.hparams={model.depth:[1,2,3],optim.lr:[0.1,0.2]}",
    ],
    "activation.layers.conv1=relu,{name:prelu,init:0.1} activation.layers.layer1.fc=gelu,tanh": [
        "search=per_layer", "search.sites=[conv1,layer1_fc]",
        "search.candidates={conv1:[relu,{name:prelu,init:0.1}],layer1_fc:[gelu,tanh]}",
        "search.hparams={}",
    ],
    "activation=relu,gelu seed=range(3,6)": [
        "seed=3", "seeds_per_trial=3", "search=global", "search.candidates=[relu,gelu]",
        "search.hparams={}",
    ],
}  # fmt: skip


@pytest.mark.parametrize("words", TRANSLATIONS)
def test_translation(words: str) -> None:
    assert translate(*words.split()) == TRANSLATIONS[words]


def test_the_sweepers_own_settings() -> None:
    given = {"n_trials": 9, "n_jobs": -1, "study_name": "s", "storage": "sqlite:///s.db",
             "sampler": "tpe", "pruner": "median"}  # fmt: skip
    assert set(translate("activation=relu,gelu", **given)) >= {
        "trials=9", "name=s", "storage='sqlite:///s.db'", "sampler=tpe", "pruner=median",
    }  # fmt: skip


def trials(folder: Path) -> list[tuple[Any, ...]]:
    storage = open_storage(f"journal://{folder}/sweeps/mlp-digits-global/journal.log")
    assert isinstance(storage, JournalStorage)
    [study] = storage.get_all_studies()
    found = storage.get_all_trials(study._study_id)
    return [(t.number, t.params, t.value, t.user_attrs["seeds"]) for t in found]


def test_the_same_study_through_every_door(
    command: Command, tmp_path: Path, pretended: Callable[[Score], list[TrainConfig]]
) -> None:
    pretended(lambda config: [1 / (1 + config.optim.lr) + len(str(config.activation)) / 100])
    hparams = "search.hparams={optim.lr: {low: 1e-4, high: 1e-1, log: true}}"
    words = ["search.candidates=[relu,gelu,prelu]", hparams, "trials=8", "seeds_per_trial=2"]
    assert command("scripts/sweep.py", *QUICK, *words, f"logs={tmp_path}/script") == 0
    acts.sweep(*QUICK, *words, f"logs={tmp_path}/python")
    study = ["-m", "hydra/sweeper=study", "hydra.sweeper.n_trials=8", "seed=0,1"]
    drawn = ["activation=choice(relu,gelu,prelu)", "optim.lr=tag(log,interval(1e-4,1e-1))"]
    assert command("train.py", *study, *drawn, *QUICK, f"logs={tmp_path}/hydra") == 0
    found = trials(tmp_path / "script")
    assert len(found) == 8
    assert len({trial[1]["optim.lr"] for trial in found}) == 8
    assert trials(tmp_path / "python") == found
    assert trials(tmp_path / "hydra") == found
    # The same study: the one command resumes what the other one began.
    more = ["scripts/sweep.py", *QUICK, *words, "trials=9", f"logs={tmp_path}/hydra"]
    assert command(*more) == 0
    assert trials(tmp_path / "hydra")[:8] == found
    assert not (tmp_path / "hydra" / "multirun").exists()


def test_settings_alone_and_params_of_a_file(
    command: Command, tmp_path: Path, pretended: Callable[[Score], list[TrainConfig]]
) -> None:
    seen = pretended(lambda config: [config.optim.lr])
    study = ["-m", "hydra/sweeper=study", "hydra.sweeper.n_trials=3", "hydra.sweeper.study_name=s"]
    params = "hydra.sweeper.params={optim.lr: 'interval(0.01,0.1)'}"
    words = [*study, params, *QUICK, "activation=gelu", f"logs={tmp_path}"]
    assert command("train.py", *words) == 0
    assert [config.activation.name for config in seen] == ["gelu"] * 3
    assert all(0.01 <= config.optim.lr <= 0.1 for config in seen)
    assert (tmp_path / "sweeps" / "s" / "report.html").exists()


REFUSED = {
    "activation=relu": "has nothing to draw",
    "seed=0,1": "has nothing to draw",
    "activation=relu,gelu hydra/launcher=joblib": "leave out hydra/launcher=joblib",
    "model=mlp,cnn": "A study has one model",
    "activation=relu,gelu seed=0,2": "seeds that follow each other",
    "activation=interval(0,1)": "an activation is a choice, not an interval",
    "activation=relu,gelu activation.layers.conv1=relu,gelu": "cannot both be drawn",
    "activation=leaky_relu activation.negative_slope=0.1,0.2": "search.parameters=true",
    "activation=relu,glue": "Unknown activation 'glue', did you mean 'gelu'?",
    "optim.lr=interval(0.1,0.01)": "needs low below high",
    "activation=relu,gelu hydra.sweeper.sampler=nosuch": "Unknown sampler 'nosuch'",
    "activation=relu,gelu hydra.sweeper.n_trials=0": "trials must be at least 1",
    "activation=relu,gelu hydra.sweeper.n_trial=9": "did you mean 'n_trials'?",
}


@pytest.mark.parametrize("words", REFUSED)
def test_refused(
    words: str, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    start = ["-m", "hydra/sweeper=study", f"logs={tmp_path}"]
    assert command("train.py", *start, *words.split()) == 2
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith("Error: ")
    assert REFUSED[words] in line
    assert list(tmp_path.iterdir()) == []


def test_other_commands_have_no_study_to_vary(
    command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["-m", "hydra/sweeper=study", "optim.lr=0.1,0.2", f"logs={tmp_path}"]
    assert command("scripts/compare.py", *words) == 2
    assert "varies a single run: python train.py -m" in capsys.readouterr().err


def test_a_fault_of_the_program_is_no_mistake_of_the_users(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def faulty(*_: object) -> None:
        raise TypeError("a fault")

    monkeypatch.setattr(sweep_module, "build_space", faulty)
    words = ["-m", "hydra/sweeper=study", "activation=relu,gelu", f"logs={tmp_path}"]
    with pytest.raises(TypeError, match="a fault"):
        command("train.py", *words)
