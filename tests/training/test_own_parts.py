"""Lightning's ecosystem in a run: callbacks, loggers, optimizers and profilers."""

import csv
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml

from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.config.search import SweepConfig
from activation_search.errors import UserError
from activation_search.training.result import FINISHED, STOPPED, RunResult
from activation_search.training.run import train

from ..command import ROOT
from ..here import swept

Small = Callable[..., TrainConfig]

SOURCE = """
import lightning.pytorch as pl
import torch


class Count(pl.Callback):
    def __init__(self, every=1):
        self.every, self.steps = every, 0

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.steps += 1

    def state_dict(self):
        return {"steps": self.steps}

    def load_state_dict(self, state):
        self.steps = state["steps"]


class Broken(pl.Callback):
    def on_train_batch_end(self, *_):
        raise RuntimeError("out of order")


class Scaled(torch.optim.SGD):
    def __init__(self, params, lr, scale):
        super().__init__(params, lr=lr * scale)


def frozen(optimizer):
    return torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 0.0)


def no_callback():
    return 3
"""


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of the user's own in the working folder; its name."""
    name = re.sub(r"\W", "_", f"parts_{tmp_path.name}")
    (tmp_path / f"{name}.py").write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return name


def test_a_callback_sees_the_run_and_goes_into_its_checkpoints(small: Small, mine: str) -> None:
    part = f"{{target: {mine}.Count, every: 2}}"
    result = train(small(f"trainer.callbacks=[{part}]", "trainer.max_epochs=2"))
    assert result.status == FINISHED
    stored = torch.load(Path(result.directory) / "last.ckpt", weights_only=True)
    assert stored["callbacks"]["Count"] == {"steps": 36}
    # What it is made of belongs to the run.
    assert re.fullmatch(r"[0-9a-f]{16}", result.config["trainer"]["callbacks_sha256"])


def test_the_callback_of_the_documentation(
    small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (ROOT / "docs" / "lightning.md").read_text()
    [source] = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    (tmp_path / "my_callbacks.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    part = "trainer.callbacks=[{target: my_callbacks.GradientNoise, std: %s}]"
    loss = {
        std: train(small("trainer.max_epochs=1", part % std)).metrics["val_loss"]
        for std in (0, 0.5)
    }
    assert loss[0] == train(small("trainer.max_epochs=1")).metrics["val_loss"]
    assert loss[0.5] != loss[0]


def test_lightnings_averages_of_weights_are_what_is_judged(small: Small) -> None:
    ema = "{target: lightning.pytorch.callbacks.EMAWeightAveraging, decay: 0.9}"
    plain = train(small("trainer.max_epochs=1"))
    averaged = train(small("trainer.max_epochs=1", f"trainer.callbacks=[{ema}]"))
    assert averaged.status == FINISHED
    assert averaged.curve[0]["train_loss"] == plain.curve[0]["train_loss"]
    assert averaged.curve[0]["val_loss"] != plain.curve[0]["val_loss"]


def test_an_optimizer_and_a_schedule(small: Small, mine: str) -> None:
    own = [f"optim.target={mine}.Scaled", "optim.args={scale: 1}", "optim.schedule=constant"]
    sgd = ["optim.optimizer=sgd", "optim.momentum=0", "optim.schedule=constant"]
    found = train(small(*own, "trainer.max_epochs=1"))
    assert found.curve == train(small(*sgd, "trainer.max_epochs=1")).curve
    still = train(small(*sgd, f"optim.schedule_target={mine}.frozen", "trainer.max_epochs=2"))
    assert still.curve[0]["val_loss"] == still.curve[1]["val_loss"]
    plateau = "optim.schedule_target=torch.optim.lr_scheduler.ReduceLROnPlateau"
    # With this threshold no loss but 0 is a better one.
    given = "optim.schedule_args={patience: 0, factor: 0.5, threshold: 1.0}"
    falls = train(small(plateau, given, "trainer.max_epochs=4"))
    rates = [row["learning_rate"] for row in falls.curve]
    assert rates[-1] < rates[0]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.callbacks=[nosuch.EMA]", "trainer.callbacks=nosuch.EMA names nothing callable"),
        ("trainer.callbacks=[{{target: {}.Count, evry: 2}}]", "Count failed: TypeError: .*'evry'"),
        ("trainer.callbacks=[{}.no_callback]", "must give a Lightning Callback, not a int"),
        ("trainer.loggers=[{}.no_callback]", "must give a Lightning Logger, not a int"),
        (
            "trainer.callbacks=[lightning.pytorch.callbacks.RichProgressBar]",
            "Lightning refuses this run: .*enable_progress_bar",
        ),
    ],
)
def test_mistakes_leave_nothing_behind(
    override: str, message: str, small: Small, mine: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        train(small(override.format(mine), f"logs={tmp_path / 'logs'}"))
    assert not list(tmp_path.glob("logs/**/*.*"))


def test_what_lightning_finds_later_is_a_sentence_too(small: Small) -> None:
    monitor = "trainer.callbacks=[lightning.pytorch.callbacks.LearningRateMonitor]"
    with pytest.raises(UserError, match=r"Lightning refuses this run: .*has no logger"):
        train(small(monitor))


def test_a_study_refuses_them_before_it_exists(small: Small, here: None, tmp_path: Path) -> None:
    overrides = ["model=mlp", "data=digits", "trainer.callbacks=[nosuch.EMA]", f"logs={tmp_path}"]
    with pytest.raises(UserError, match="names nothing callable"):
        swept(compose(overrides, SweepConfig))
    assert not (tmp_path / "sweeps").exists()


def test_a_resumed_run_names_them_and_knows_their_source(
    small: Small, mine: str, tmp_path: Path
) -> None:
    overrides = [f"trainer.callbacks=[{mine}.Count]", "trainer.max_epochs=1"]
    first = train(small(*overrides))
    stopped = RunResult(**{**vars(first), "status": STOPPED})
    stopped.write()
    with pytest.raises(UserError, match=f"names code.*{mine}.Count"):
        train(small(f"resume={first.directory}"))
    assert train(small(*overrides, "resume=auto")).resumed_after == 1
    stopped.write()
    (tmp_path / f"{mine}.py").write_text(SOURCE + "\n# changed\n")
    again = train(small(*overrides, "resume=auto"))
    assert again.resumed_after is None
    stated = f"trainer.callbacks_sha256={first.config['trainer']['callbacks_sha256']}"
    with pytest.raises(UserError, match=r"The source of trainer\.callbacks=.* has changed"):
        train(small(*overrides, stated))


def test_a_logger_gets_the_curve_the_final_metrics_and_what_callbacks_log(small: Small) -> None:
    result = train(
        small(
            "trainer.loggers=[lightning.pytorch.loggers.CSVLogger]",
            "trainer.callbacks=[lightning.pytorch.callbacks.LearningRateMonitor]",
            "trainer.max_epochs=2",
        )
    )
    [table] = Path(result.directory).glob("lightning_logs/version_0/metrics.csv")
    with table.open() as file:
        rows = list(csv.DictReader(file))
    curve = [float(row["val_loss"]) for row in rows if row["val_loss"]]
    assert curve == pytest.approx([row["val_loss"] for row in result.curve])
    final = [float(row["final/test_accuracy"]) for row in rows if row["final/test_accuracy"]]
    assert final == pytest.approx([result.metrics["test_accuracy"]])
    assert any(name.startswith("lr-Adam") for name in rows[0])
    told = yaml.safe_load((table.parent / "hparams.yaml").read_text())
    assert told["optim"]["lr"] == 5e-3


@pytest.mark.parametrize("profiler", ["simple", "pytorch"])
def test_a_profiler_writes_into_the_run_directory(profiler: str, small: Small) -> None:
    result = train(small(f"trainer.profiler={profiler}", "trainer.max_epochs=1"))
    [text] = Path(result.directory).glob("*profile.txt")
    # Which operators are among the slowest, which are listed, hangs on the machine.
    assert ("aten::" if profiler == "pytorch" else "training_step") in text.read_text()
    traces = list(Path(result.directory).glob("*.pt.trace.json"))
    assert len(traces) == (profiler == "pytorch")


def test_a_schedule_is_told_how_often_it_goes_on(
    small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    class Noted(torch.optim.lr_scheduler.CosineAnnealingLR):
        def __init__(self, optimizer: torch.optim.Optimizer, T_max: int):
            seen.append(T_max)
            super().__init__(optimizer, T_max)

    monkeypatch.setattr(torch.optim.lr_scheduler, "Noted", Noted, raising=False)
    own = ["optim.schedule_target=torch.optim.lr_scheduler.Noted", "trainer.max_epochs=4",
           "tensorboard.enabled=false"]  # fmt: skip
    for interval, moves in (("epoch", 4), ("step", 4 * 18)):  # 1,150 samples in batches of 64
        train(small(*own, f"optim.schedule_interval={interval}"))
        assert seen[-1] == moves
