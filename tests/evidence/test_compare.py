"""Whole comparisons in small: what is trained, what is read, and what goes on after a stop."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from activation_search.config.compare import CompareConfig
from activation_search.config.compose import compose
from activation_search.errors import UserError
from activation_search.evidence import compare as compare_module
from activation_search.evidence.candidates import parse_candidates
from activation_search.evidence.results import Arm, Block, read_evidence
from activation_search.reports.comparison_table import caution, print_evidence, verdict_sentence
from activation_search.reports.report import write_report
from activation_search.training import session as session_module
from activation_search.training.result import read_result

from ..here import compared

Configure = Callable[..., CompareConfig]


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    def make(*overrides: str) -> CompareConfig:
        small = [
            "model=mlp",
            "data=digits",
            "model.width=16",
            "trainer.max_epochs=2",
            "trainer.accelerator=cpu",
            "trainer.threads=1",
            "tensorboard.enabled=false",
            f"logs={tmp_path}",
        ]
        return compose([*small, *overrides], CompareConfig)

    return make


def test_every_candidate_on_the_same_seeds(configure: Configure, trained) -> None:
    evidence, folder = compared(configure("candidates=[relu,tanh,identity]", "seeds=3", "seed=4"))
    [block] = evidence.blocks
    assert block.seeds == [4, 5, 6]
    assert block.baseline == "relu"
    assert {(c.activation.name, c.seed) for c in trained} == {
        (name, seed) for name in ("relu", "tanh", "identity") for seed in (4, 5, 6)
    }
    for arm in block.arms.values():
        results = [read_result(Path(d)) for d in arm.directories]
        assert [r.seed for r in results] == [4, 5, 6]
        assert arm.values == [r.metrics["test_accuracy"] for r in results]
    assert read_evidence(folder) == evidence


def test_only_what_is_missing_is_trained(configure: Configure, trained) -> None:
    first, _ = compared(configure("candidates=[relu,tanh]", "seeds=2"))
    assert len(trained) == 4
    again, _ = compared(configure("candidates=[relu,tanh]", "seeds=2"))
    assert len(trained) == 4
    assert again.blocks == first.blocks
    more, _ = compared(configure("candidates=[relu,tanh,elu]", "seeds=3"))
    assert len(trained) == 4 + 2 + 3
    assert more.blocks[0].arms["relu"].values[:2] == first.blocks[0].arms["relu"].values
    # A run that was killed half way is trained anew.
    broken = Path(more.blocks[0].arms["elu"].directories[0]) / "result.json"
    broken.write_text(json.dumps(json.loads(broken.read_text()) | {"status": "running"}))
    repeated, _ = compared(configure("candidates=[relu,tanh,elu]", "seeds=3"))
    assert len(trained) == 10
    assert repeated.blocks[0].arms["elu"].values == more.blocks[0].arms["elu"].values


def test_learning_rates_are_chosen_on_validation_at_another_seed(
    configure: Configure, trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested = []
    original = session_module.DataModule.test_dataloader

    def read(self):
        tested.append(self.seed)
        return original(self)

    monkeypatch.setattr(session_module.DataModule, "test_dataloader", read)
    evidence, _ = compared(
        configure("candidates=[relu,tanh]", "seeds=2", "tune_lr=true", "lr_grid=[1e-6,0.01,0.02]")
    )
    for label, arm in evidence.blocks[0].arms.items():
        assert set(arm.tuned) == {"1e-06", "0.01", "0.02"}, label
        assert arm.tuned[f"{arm.lr:g}"] == max(arm.tuned.values())
        assert arm.lr > 1e-6
    tuning = [c for c in trained if c.seed >= compare_module.TUNING_SEED]
    assert len(tuning) == 6
    assert not any(c.test for c in tuning)
    assert sorted(tested) == [0, 0, 1, 1]  # once per run of the comparison, never while tuning


def test_a_rate_at_the_end_of_the_grid_is_told() -> None:
    def arm(lr: float) -> Arm:
        tuned = {"0.001": 0.8, "0.01": 0.9, "0.1": 0.7}
        return Arm([0.9], [0.9], [], 1, 0.1, lr, {}, tuned=tuned)

    block = Block(
        "mlp", "digits", "accuracy", "max", "a", list(range(5)), {"a": arm(0.1), "b": arm(0.01)}
    )
    assert caution(block).startswith("The best learning rate of a is at an end of lr_grid")
    block.arms["a"].lr = 0.01
    assert caution(block) == ""


def test_a_true_effect_is_found_and_copies_are_undecided(
    configure: Configure, trained, tmp_path: Path
) -> None:
    for number in (1, 2):
        (tmp_path / f"copy{number}.yaml").write_text("name: relu\n")
    evidence, _ = compared(
        configure(
            f"candidates=[relu,sigmoid,{tmp_path}/copy1.yaml,{tmp_path}/copy2.yaml]",
            "seeds=6",
            "model.depth=8",
            "trainer.max_epochs=4",
        )
    )
    [block] = evidence.blocks
    verdicts = {label: c.verdict for label, c in block.comparisons.items()}
    assert verdicts == {"sigmoid": "worse", "copy1": "undecided", "copy2": "undecided"}
    assert "sigmoid is worse; copy1, copy2 are undecided" in verdict_sentence(block)


def test_what_diverges_is_told_and_not_compared(configure: Configure, trained) -> None:
    wild = ["optim.optimizer=sgd", "optim.schedule=constant", "optim.lr=3", "seeds=2"]
    evidence, _ = compared(configure("candidates=[sigmoid,identity]", *wild))
    [block] = evidence.blocks
    assert block.arms["identity"].diverged == 2
    assert "identity" not in block.comparisons
    console = Console(width=200)
    with console.capture() as capture:
        print_evidence(evidence, console)
    assert "diverged on 2 of 2 seeds" in capture.get()
    other, folder = compared(configure("candidates=[identity,sigmoid]", *wild))
    assert other.blocks[0].comparisons == {}
    assert "The baseline identity diverged on 2 of 2 seeds" in verdict_sentence(other.blocks[0])
    for path in write_report(folder):  # nothing that was computed is lost
        assert "diverged on 2 of 2 seeds" in path.read_text()


@pytest.mark.paints
def test_several_models_are_blocks_with_ranks(configure: Configure, trained) -> None:
    evidence, folder = compared(
        configure("candidates=[relu,sigmoid]", "seeds=2", "models=[mlp,transformer]")
    )
    assert [block.label for block in evidence.blocks] == ["mlp on digits", "transformer on digits"]
    assert set(evidence.ranks) == {"relu", "sigmoid"}
    assert sum(evidence.ranks.values()) == pytest.approx(3)
    assert folder.name == "mlp-transformer-digits"
    # The model of the command line keeps its settings, the other has its own.
    assert {c.model.width for c in trained if c.model.name == "mlp"} == {16}
    for path in write_report(folder):
        assert "mean rank" in path.read_text().lower()


def test_settings_of_the_command_line_hold_for_every_data_set(
    configure: Configure, trained
) -> None:
    evidence, _ = compared(
        configure(
            "candidates=[relu,tanh]",
            "seeds=2",
            "datasets=[digits,xor]",
            "data.batch_size=300",
            "data.validation=0.3",
        )
    )
    assert {(c.data.name, c.data.batch_size, c.data.validation) for c in trained} == {
        ("digits", 300, 0.3), ("xor", 300, 0.3),
    }  # fmt: skip
    assert [block.setting["data"]["name"] for block in evidence.blocks] == ["digits", "xor"]


def test_a_data_set_and_its_reconstruction_are_two_blocks(configure: Configure, trained) -> None:
    evidence, _ = compared(
        configure(
            "candidates=[sigmoid,relu]",
            "seeds=2",
            "datasets=[digits_reconstruction,digits]",
            "data.batch_size=300",
        )
    )
    blocks = {block.data: block for block in evidence.blocks}
    assert {name: (b.metric, b.mode) for name, b in blocks.items()} == {
        "digits_reconstruction": ("mse", "min"),
        "digits": ("accuracy", "max"),
    }
    assert {c.data.batch_size for c in trained} == {300}
    # Ranks go by what is better in each: a lower error, a higher accuracy.
    means = {n: {a: sum(b.arms[a].values) for a in b.arms} for n, b in blocks.items()}
    ranks = {"sigmoid": 0.0, "relu": 0.0}
    for name, of in means.items():
        best = (min if name == "digits_reconstruction" else max)(of, key=of.__getitem__)
        for label in ranks:
            ranks[label] += (1 if label == best else 2) / 2
    assert evidence.ranks == ranks


def test_pairs_that_cannot_be_are_told_before_anything_is_trained(
    configure: Configure, trained
) -> None:
    with pytest.raises(UserError, match=r"model=cnn cannot read samples of kind vector"):
        compared(configure("candidates=[relu,tanh]", "models=[mlp,cnn]", "data=diabetes"))
    assert trained == []


def test_early_stopping_tests_the_best_weights(configure: Configure, trained) -> None:
    evidence, _ = compared(
        configure("candidates=[relu,tanh]", "seeds=2", "early_stopping.patience=1")
    )
    arm = evidence.blocks[0].arms["relu"]
    assert [read_result(Path(d)).evaluated for d in arm.directories] == ["best", "best"]


@pytest.mark.paints
def test_an_earlier_comparison_of_others_is_kept(configure: Configure, trained) -> None:
    compared(configure("candidates=[relu,gelu]", "seeds=2"))
    _, folder = compared(configure("candidates=[relu,gelu,elu]", "seeds=2"))
    assert len(list(folder.glob("comparison*.json"))) == 1  # it holds the earlier one
    write_report(folder)
    pictures = {path.name: path.read_bytes() for path in folder.glob("figures/*.png")}
    compared(configure("candidates=[relu,tanh]", "seeds=2"))
    [kept] = folder.glob("comparison-*.json")
    assert "gelu" in kept.read_text()
    # Its report shows its own pictures, whatever is drawn afterwards.
    write_report(folder)
    [figures] = folder.glob("figures-*")
    assert {path.name: path.read_bytes() for path in figures.iterdir()} == pictures
    [report] = folder.glob("report-*.md")
    shown = re.findall(r"\]\((.*)\)", report.read_text())
    assert shown
    assert all((folder / path).is_file() and figures.name in path for path in shown)


def test_a_candidate_that_changed_under_its_name_is_another_comparison() -> None:
    def block(assignment: str, lr: float) -> Block:
        arm = Arm([0.5], [0.5], ["d"], 1, 0.1, lr, {"hidden1": assignment})
        return Block("mlp", "digits", "accuracy", "max", "relu", [0], {"study:1": arm})

    assert block("gelu", 0.1).contains(block("gelu", 0.1))
    assert not block("tanh", 0.1).contains(block("gelu", 0.1))
    assert not block("gelu", 0.2).contains(block("gelu", 0.1))


def test_a_comparison_that_was_put_back_is_kept_again(configure: Configure, trained) -> None:
    def names(folder: Path) -> set[str]:
        return {p.name for p in folder.glob("comparison-*.json")}

    compared(configure("candidates=[relu,gelu]", "seeds=2"))
    _, folder = compared(configure("candidates=[relu,tanh]", "seeds=2"))
    [first] = folder.glob("comparison-*.json")
    stamp = first.stem.removeprefix("comparison-")
    first.rename(folder / "comparison.json")
    for name in ("figures", f"figures-{stamp}"):
        (folder / name).mkdir()
        (folder / name / "picture.png").write_bytes(name.encode())
    compared(configure("candidates=[relu,elu]", "seeds=2"))
    assert names(folder) == {f"comparison-{stamp}-2.json"}
    assert (
        folder / f"figures-{stamp}" / "picture.png"
    ).read_bytes() == b"figures-" + stamp.encode()
    assert (folder / f"figures-{stamp}-2" / "picture.png").read_bytes() == b"figures"


def test_a_run_that_raises_is_told_when_the_others_are_done(configure: Configure) -> None:
    broken = "{name: custom, target: tests.evidence.test_compare.broken}"
    config = configure(f"candidates=[relu,{broken}]", "seeds=2", "workers=1")
    with pytest.raises(UserError, match=r"2 of 4 runs failed, the first with .*out of luck"):
        compared(config)
    found = Path(config.logs).glob("compare/*/runs/mlp-digits-relu/*/result.json")
    assert len(list(found)) == 2


def broken(x):
    """An own function that fails in training, though not at first sight."""
    if x.requires_grad and len(x) > 60:
        raise RuntimeError("out of luck")
    return x.relu()


def test_markdown_cells_are_escaped(configure: Configure, trained, tmp_path: Path) -> None:
    (tmp_path / "a|b.yaml").write_text("name: relu\n")
    _, folder = compared(configure(f"candidates=[relu,'{tmp_path}/a|b.yaml']", "seeds=2"))
    text = write_report(folder)[1].read_text()
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) == 8  # of two tables: headings, the line below them, two candidates
    for table in (rows[:4], rows[4:]):
        assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "a\\|b" in text


def test_candidates_of_every_form(configure: Configure, tmp_path: Path) -> None:
    config = configure()
    board = tmp_path / "sweeps" / "s" / "leaderboard.json"
    board.parent.mkdir(parents=True)
    row = {"config": {"activation": {"name": "relu", "layers": {"hidden1": "tanh"}}}}
    board.write_text(json.dumps({"rows": [row]}))
    (tmp_path / "mine.yaml").write_text("name: elu\nlayers: {hidden2: prelu}\n")
    found = parse_candidates(
        ["relu", {"name": "leaky_relu", "negative_slope": 0.2}, f"{tmp_path}/mine.yaml", "s:1",
         {"layers": {"hidden1": "gelu"}}],
        config,
    )  # fmt: skip
    assert {label: choice.as_dict() for label, choice in found.items()} == {
        "relu": {"name": "relu", "layers": {}},
        "leaky_relu(negative_slope=0.2)": {
            "name": "leaky_relu", "negative_slope": 0.2, "layers": {},
        },
        "mine": {"name": "elu", "layers": {"hidden2": "prelu"}},
        "s:1": {"name": "relu", "layers": {"hidden1": "tanh"}},
        "default hidden1=gelu": {"name": "default", "layers": {"hidden1": "gelu"}},
    }  # fmt: skip


def test_candidates_and_baseline_by_the_names_of_other_libraries(
    configure: Configure, trained
) -> None:
    given = "candidates=[ReLU,{name: LeakyReLU, layers: {hidden1: SiLU}}]"
    found, _ = compared(configure(given, "baseline=RELU", "seeds=2"))
    assert list(found.blocks[0].arms) == ["relu", "leaky_relu hidden1=silu"]
    assert found.blocks[0].baseline == "relu"
    with pytest.raises(UserError, match="candidates names silu twice"):
        parse_candidates(["swish", "SiLU"], configure())


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ([], "candidates must be a list of two or more"),
        (["candidates=[relu]"], "candidates must be a list of two or more"),
        (["candidates=[relu,gleu]"], "did you mean 'gelu'"),
        (["candidates=[relu,relu]"], "candidates names relu twice"),
        (["candidates=[relu,gelu]", "baseline=tanh"], "Unknown baseline 'tanh'"),
        (["candidates=[relu,no.yaml]"], r"candidates=no\.yaml: nothing is there"),
        (["candidates=[relu,nothing:1]"], "There is no leaderboard at"),
        (["candidates=[relu,1]"], "A candidate is a name or a mapping"),
        (["candidates=[relu,null]"], "A candidate is a name or a mapping"),
        (["candidates=[relu,{name: gelu, layers: [a]}]"], "maps sites to activations"),
        (["candidates=[relu,gelu]", "models=[]"], "models must be a list of names"),
        (["candidates=[relu,gelu]", "lr_grid=[]"], "lr_grid must list learning rates"),
        (["candidates=[relu,gelu]", "name=.."], "without a slash"),
        (["candidates=[relu,gelu]", "trainer.fast_dev_run=true"], "has no result to compare"),
        (["candidates=[relu,gelu]", "resume=logs/a"], "goes on by its own command, once more"),
        (["candidates=[relu,gelu]", "group=mine"], "a study has a name of its own"),
        (["candidates=[relu,{name: custom, target: math.sin, 1: 2}]"], "have names, not 1"),
        (["candidates=[relu,gelu]", "data.class_weights=[1,1" + 400 * "0" + "]"], "class_weights"),
        (["candidates=[relu,gelu]", "seeds=1"], "seeds must be at least 2"),
        (["candidates=[relu,gelu]", "workers=0"], "workers must be auto, or from 1 to 1024"),
        (["candidates=[relu,gelu]", "models=mlp"], "models must be a list of names"),
        (["candidates=[relu,gelu]", "models=[mpl]"], "did you mean 'mlp'"),
        (["candidates=[relu,gelu]", "name=a/b"], "without a slash"),
        (
            ["candidates=[relu,gelu]", "tune_lr=true", "data.validation=0"],
            "tune_lr=true needs a validation split",
        ),
        (["candidates=[relu,gelu]", "lr_grid=[-1]"], "lr_grid: optim.lr must be above 0, not -1"),
    ],
)
def test_mistakes(configure: Configure, overrides: list[str], message: str, trained) -> None:
    with pytest.raises(UserError, match=message):
        compared(configure(*overrides))
    assert trained == []
