"""A model that is added as the README says, one file and one line, works with every command."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hydra.core.config_store import ConfigStore

from activation_search.config import compose as compose_module
from activation_search.config.models import MODEL_CONFIGS
from activation_search.config.run import TrainConfig

from ..command import Command

MINE = '''
from dataclasses import dataclass

from torch import nn

from activation_search.config.models import SizedConfig
from activation_search.models.network import Network
from activation_search.models.sites import Site


@dataclass
class MineConfig(SizedConfig):
    """Two branches side by side, and no normalisation to be had."""

    network = "mine.Mine"

    name: str = "mine"
    width: int = 16


class Mine(Network):
    input_kinds = ("image", "vector")

    def __init__(self, config, sample, outputs, assignment):
        super().__init__(assignment)
        for site, activation in assignment.items():
            inner = activation.entry.input_width(config.width)
            self.layers[site] = nn.Linear(sample.size, inner)
            self.add_site(site, inner)
        self.layers["head"] = nn.Linear(config.width, outputs)

    @staticmethod
    def sites(config, sample, outputs):
        return [Site("left", "relu"), Site("right", "tanh")]

    def forward(self, x):
        x = x.flatten(1)
        left, right = (self.activations[s](self.layers[s](x)) for s in ("left", "right"))
        return self.layers["head"](left + right)
'''
QUICK = ["model=mine", "data=digits", "trainer.max_epochs=2", "trainer.accelerator=cpu"]


@pytest.fixture(autouse=True)
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "mine.py").write_text(MINE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "mine", raising=False)
    from mine import MineConfig  # type: ignore[import-not-found]

    monkeypatch.setitem(MODEL_CONFIGS, "mine", MineConfig)
    compose_module.register.cache_clear()
    yield
    # Hydra's store lasts as long as the process.
    ConfigStore.instance().repo["model"].pop("mine.yaml")


def test_train(command: Command, tmp_path: Path, capsys) -> None:
    # A learning rate that raises an alarm, whose remedies may not ask for what the model lacks.
    arguments = [*QUICK, "activation=gelu", "activation.layers.right=prelu", "optim.lr=10",
                 "optim.optimizer=sgd", "trainer.progress=false", f"logs={tmp_path}"]  # fmt: skip
    assert command("train.py", *arguments) in (0, 1)
    out = capsys.readouterr().out
    assert "mine on digits" in out
    assert "right" in out
    assert "model.norm" not in out


def test_sweep(command: Command, tmp_path: Path, here: None, capsys) -> None:
    arguments = [*QUICK, "search=per_layer", "search.candidates=[relu,gelu]", "trials=2"]
    assert command("scripts/sweep.py", *arguments, f"logs={tmp_path}", "name=s") == 0
    table = (tmp_path / "sweeps" / "s" / "trials.csv").read_text()
    assert "site:left,site:right" in table


def test_compare(
    command: Command,
    tmp_path: Path,
    trained: list[TrainConfig],
    capsys,
) -> None:
    arguments = [*QUICK, "candidates=[relu,{name: relu, layers: {left: gelu}}]", "seeds=2"]
    assert command("scripts/compare.py", *arguments, f"logs={tmp_path}") == 0
    assert "mine on digits" in capsys.readouterr().out
    assert len(trained) == 4


def test_health(command: Command, tmp_path: Path, capsys) -> None:
    assert command("scripts/health.py", *QUICK, "activations=[relu,gelu]", f"logs={tmp_path}") == 0
    assert "left" in capsys.readouterr().out


def test_what_it_cannot_read_is_a_sentence(command: Command, capsys) -> None:
    assert command("train.py", "model=mine", "data=text") == 2
    assert "model=mine cannot read samples of kind tokens" in capsys.readouterr().err
