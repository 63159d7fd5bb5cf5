"""``python train.py``: exit codes, the summary, and a sentence for every mistake."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from activation_search.training.history import History
from activation_search.training.result import read_result

from .conftest import ROOT, Command

SMALL = ["model=mlp", "data=digits"]


@pytest.mark.paints
def test_summary(train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert train(*SMALL, "activation=prelu") == 0
    out = capsys.readouterr().out
    for piece in ("finished: mlp on digits, seed 0", "validation accuracy", "test accuracy"):
        assert piece in out
    assert "256 of them in activations" in out
    learned = read_result(next(tmp_path.glob("train/*/*"))).learned["hidden1"]["weight"]
    assert f"prelu; weight {min(learned):.2f} to {max(learned):.2f}" in out
    assert "hidden1" in out
    [directory] = tmp_path.glob("train/mlp-digits-prelu/*")
    assert f"run directory:  {directory}" in out
    assert f"tensorboard --logdir {tmp_path}" in out


def test_a_diverged_run_exits_with_one(train: Command, capsys: pytest.CaptureFixture[str]) -> None:
    # A linear network cannot come to rest with units that are all dead.
    sgd = ["optim.optimizer=sgd", "optim.lr=1e9", "optim.schedule=constant"]
    assert train(*SMALL, "activation=identity", *sgd) == 1
    out = capsys.readouterr().out
    assert "diverged: mlp on digits" in out
    assert "loss is" in out


def test_multirun(train: Command, tmp_path: Path) -> None:
    assert train("-m", *SMALL, "activation=relu,gelu", "seed=0,1") == 0
    results = [read_result(p.parent) for p in tmp_path.glob("multirun/*/*/*/result.json")]
    found = {(r.assignment["hidden1"], r.seed, r.status) for r in results}
    assert found == {(a, s, "finished") for a in ("relu", "gelu") for s in (0, 1)}
    assert not (tmp_path / "train").exists()


def test_a_mistake_in_one_job_leaves_the_others(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert train("-m", *SMALL, "optim.lr=-1,0.01") == 2
    assert "Error: optim.lr must be above 0, not -1." in capsys.readouterr().err
    assert len(list(tmp_path.glob("multirun/*/*/*/result.json"))) == 1


def test_ctrl_c_ends_a_multirun(
    train: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def press(self, *_: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(History, "on_train_epoch_start", press)
    assert train("-m", *SMALL, "seed=0,1,2") == 130
    assert "resume it with:  python train.py resume=" in capsys.readouterr().out
    assert len(list(tmp_path.glob("multirun/*/*/*/result.json"))) == 1


MISTAKES = {
    "activation=gleu": "Error: Unknown activation 'gleu', did you mean 'gelu'?",
    "activation.layers.conv9=relu": (
        "Error: Unknown site 'conv9', did you mean 'conv3'? allowed: conv1, conv2, conv3, fc1."
    ),
    "optim.lr=abc": "Error: optim.lr: Value 'abc' of type 'str' could not be converted to Float.",
    "optim.lrr=1": "Error: Unknown optim setting 'lrr', did you mean 'lr'? allowed: optimizer, ",
    "activation=leaky_relu activation.slope=1": (
        "Error: Unknown activation=leaky_relu setting 'slope'; allowed: negative_slope, layers."
    ),
    "optim.lr=-1": "Error: optim.lr must be above 0, not -1.",
    "model=cnn data=nonsense": "Error: Unknown data 'nonsense'; allowed: arrays, breast_cancer,",
    "model=lstm activation.layers.lstm1_input_gate=swiglu": (
        "Error: swiglu changes the number of channels and cannot stand at lstm1_input_gate"
    ),
    "activation=maxmin model.width=25": (
        "Error: maxmin puts out channels 2 at a time, so the width of its layer must be "
        "a multiple of 2, not 25."
    ),
    "resume=/does/not/exist": "Error: resume=/does/not/exist is no run directory",
    "resume=/does/not/exist seed=1": "resumes with that run's own configuration; leave out seed=1",
    "trainer.max_epochs=0": "Error: trainer.max_epochs must be at least 1 and at most",
    "trainer.max_steps=0": "Error: trainer.max_steps=0 trains nothing; python scripts/health.py",
    "activation=custom": "Error: custom needs the import path of your function",
    "data.name=nonsense": "Error: data.name=nonsense does not choose another one; write data=",
    "model=null": "Error: ",
    "activation=null": "Error: ",
    "model=mlp model.norm=batch data.batch_size=1": "Error: model.norm=batch needs",
    "activation=rrelu activation.lower=0.9": "Error: rrelu's lower must lie in [0, 0.25]",
    "early_stopping.patience=3 data.validation=0": "Error: early_stopping.patience needs",
    "trainer.accelerator=mps": "Error: trainer.accelerator=mps with trainer.precision=32-true",
}


@pytest.mark.parametrize("overrides", MISTAKES)
def test_mistakes_get_one_sentence(
    overrides: str, command: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = [] if "seed=1" in overrides or "resume" in overrides else [f"logs={tmp_path}"]
    assert command("train.py", *overrides.split(), *logs) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert list(tmp_path.rglob("*")) == []  # all is checked before anything is made
    [line] = captured.err.splitlines()
    assert MISTAKES[overrides] in line


def test_a_logs_folder_that_cannot_be_written(
    train: Command, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    for multirun in ([], ["-m"]):
        assert train(*multirun, *SMALL, f"logs={tmp_path / 'file'}") == 2
        line = capsys.readouterr().err.splitlines()[-1]
        assert line.startswith("Error: ")
        assert "Not a directory" in line


def test_a_function_of_the_users_own(
    train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_cli_module.py").write_text(
        "import torch\n\n\ndef my_function(x, scale=1.0):\n    return scale * torch.sin(x) + x\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    target = "activation.target=my_cli_module.my_function"
    assert train(*SMALL, "activation=custom", target, "activation.scale=0.5") == 0
    [directory] = tmp_path.glob("train/mlp-digits-custom-my_function/*")
    expected = "custom(scale=0.5, target=my_cli_module.my_function)"
    assert read_result(directory).assignment["hidden1"] == expected


def test_an_own_module_with_a_single_learned_number(
    train: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_scalar_module.py").write_text(
        "import torch\n\n\nclass Scaled(torch.nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.scale = torch.nn.Parameter(torch.tensor(1.0))\n"
        "    def forward(self, x):\n        return torch.tanh(x) * self.scale\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert train(*SMALL, "activation=custom", "activation.target=my_scalar_module.Scaled") == 0
    [directory] = tmp_path.glob("train/mlp-digits-custom-Scaled/*")
    assert isinstance(read_result(directory).learned["hidden1"]["scale"], float)


def test_in_a_process_of_its_own(tmp_path: Path) -> None:
    """A script's exit code, and no warning or traceback on standard error."""
    arguments = [*SMALL, "trainer.max_epochs=1", f"logs={tmp_path}", "activation=gelu"]
    done = subprocess.run(
        [sys.executable, "train.py", *arguments], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "finished" in done.stdout


def test_help_imports_no_torch() -> None:
    code = (
        "import sys, runpy\n"
        "sys.argv = ['train.py', '--help']\n"
        "try:\n    runpy.run_path('train.py', run_name='__main__')\n"
        "finally:\n    print('torch' in sys.modules, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "  activation=default, identity, relu" in done.stdout
    assert done.stderr.splitlines()[-1] == "False"


@pytest.mark.parametrize("existed", [True, False])
def test_a_refused_multirun_leaves_the_folders_as_they_were(
    command: Command, tmp_path: Path, existed: bool
) -> None:
    logs = tmp_path / "mine" / "logs"
    if existed:
        logs.mkdir(parents=True)
    before = sorted(tmp_path.rglob("*"))
    assert command("train.py", "-m", "model.depth=0,-1", f"logs={logs}") == 2
    assert sorted(tmp_path.rglob("*")) == before
