"""A search from its first formula to the evidence, on runs that are not trained."""

import io
import math
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import optuna
import pytest
from rich.console import Console
from scipy import stats

from activation_search.activations.formula.expression import length
from activation_search.activations.formula.parse import parse
from activation_search.commands.discover import print_discovery
from activation_search.config.compose import compose
from activation_search.config.discover import DiscoverConfig
from activation_search.config.run import TrainConfig
from activation_search.discovery.discover import run_discover
from activation_search.discovery.found import Discovery, Formula, read_discovery
from activation_search.engine import job as job_module
from activation_search.engine.runner import open_runner
from activation_search.errors import TimeIsUp, UserError
from activation_search.evidence.results import read_evidence
from activation_search.reports.discovery_content import gain_sentences
from activation_search.reports.discovery_figures import draw_progress, write_pictures
from activation_search.reports.report import write_report
from activation_search.search.study import open_storage

from ..pretend import Score

Pretended = Callable[[Score], list[TrainConfig]]
Work = Callable[..., Discovery]


@pytest.fixture
def work(tmp_path: Path) -> Work:
    """Runs a search to its end."""

    def run(*overrides: str) -> Discovery:
        config = compose(
            ["model=mlp", "data=digits", "trainer.accelerator=cpu", "name=s", "formulas=12",
             "population=4", "finalists=3", "finalist_seeds=2", "hand_made=[relu,tanh]",
             "confirm=2", "confirm_seeds=6", "lr_grid=[0.01]", "tune_lr=false",
             "trainer.max_epochs=3", f"logs={tmp_path}", *overrides],
            DiscoverConfig,
        )  # fmt: skip
        with open_runner(config, Console(quiet=True)) as runner:
            return run_discover(config, runner)

    return run


def formula_of(config: TrainConfig) -> str:
    return str(dict(config.activation.parameters).get("expr", ""))


def score(config: TrainConfig) -> list[float]:
    """The shorter the better; hand-made functions are worse than all."""
    text = formula_of(config)
    value = 0.9 - length(parse(text)) / 100 if text else 0.5
    noise = math.sin(config.seed * (1 + len(text))) / 100  # none at seed 0
    return [value - 0.2, value - 0.1, value + noise]


def trials(folder: Path) -> list[optuna.trial.FrozenTrial]:
    storage = open_storage(f"journal://{folder}/journal.log")
    return optuna.load_study(study_name="s", storage=storage).get_trials()


def test_from_the_first_formula_to_the_evidence(work: Work, pretended: Pretended) -> None:
    pretended(score)
    found = work("halving=false")
    assert Counter(f.arm for f in found.formulas) == {"evolution": 12, "random": 12}
    assert len({f.text for f in found.formulas if f.arm == "evolution"}) == 12
    assert found.left == 0
    for formula in found.formulas:
        assert formula.loss == pytest.approx(0.1 + formula.length / 100)
    # The shortest are finalists, and both hand-made functions.
    shortest = sorted(formula.length for formula in found.formulas)[:3]
    made = [finalist for finalist in found.finalists if not finalist.hand_made]
    assert sorted(length(parse(finalist.label)) for finalist in made) == shortest
    assert {f.label for f in found.finalists if f.hand_made} == {"relu", "tanh"}
    assert all(len(finalist.losses) == 2 for finalist in found.finalists)
    assert found.evidence is not None
    [block] = found.evidence.blocks
    assert block.baseline in ("relu", "tanh")
    assert len(block.arms) == 4
    assert all(len(arm.values) == 6 for arm in block.arms.values())
    assert block.seeds == list(range(10_000, 10_006))
    for finalist in made[:2]:
        assert block.comparisons[finalist.label].verdict == "better"
    assert (found.folder / "comparison.json").exists()
    assert len((found.folder / "formulas.csv").read_text().splitlines()) == 25


def test_the_comparison_is_made_again_on_other_models_and_data(
    work: Work, pretended: Pretended
) -> None:
    def by_model(config: TrainConfig) -> list[float]:
        """On a CNN hand-made functions are better than formulas, tanh most, and at a small rate."""
        if config.model.name == "mlp":
            return score(config)
        text = formula_of(config)
        noise = math.sin(config.seed * (1 + len(text))) / 100
        tanh = 0.05 * (str(config.activation.name) == "tanh")
        return [0.0, 0.0, 0.8 - 0.2 * bool(text) - config.optim.lr + noise + tanh]

    seen = pretended(by_model)
    work("lr_grid=[0.01,0.1]")
    before = len(seen)
    # Asked for later, it trains what it needs and nothing again.
    found = work(
        "lr_grid=[0.01,0.1]",
        "transfer_models=[cnn]",
        "transfer_datasets=[mnist1d]",
    )
    assert found.evidence is not None
    own, *others = found.evidence.blocks
    assert (own.model, own.data) == ("mlp", "digits")
    assert [(block.model, block.data) for block in others] == [
        ("mlp", "mnist1d"),
        ("cnn", "digits"),
        ("cnn", "mnist1d"),
    ]
    assert Counter(run.group for run in seen[before:]) == {
        "discover/s/rates": 3 * 4 * 2,  # candidates at both rates
        "discover/s/transfer": 3 * 4 * 6,
    }
    assert all(block.seeds == own.seeds for block in others)
    # Hand-made functions are chosen anew, and the best one there is the baseline.
    assert [block.baseline for block in others] == ["relu", "tanh", "tanh"]
    formula = next(label for label in own.arms if label not in ("relu", "tanh"))
    verdicts = [block.comparisons[formula].verdict for block in found.evidence.blocks]
    assert verdicts == ["better", "better", "worse", "worse"]
    assert len(list(found.folder.glob("comparison*.json"))) == 1
    assert others[1].arms[formula].lr == 0.01
    assert set(others[1].arms[formula].tuned) == {"0.01", "0.1"}


def test_what_is_known_is_kept_when_the_transfer_fails(
    work: Work, pretended: Pretended, tmp_path: Path
) -> None:
    def by_model(config: TrainConfig) -> list[float]:
        if config.model.name == "cnn":
            raise RuntimeError("out of paper")
        return score(config)

    pretended(by_model)
    with pytest.raises(UserError, match="out of paper"):
        work("transfer_models=[cnn]")
    folder = tmp_path / "discover" / "s"

    def compared() -> list[str]:
        return [block.label for block in read_evidence(folder).blocks]

    assert compared() == ["mlp on digits"]
    assert read_discovery(folder)
    work("transfer_datasets=[mnist1d]")
    with pytest.raises(UserError, match="out of paper"):
        work("transfer_models=[cnn]")
    assert compared() == ["mlp on digits", "mlp on mnist1d"]
    assert len(list(folder.glob("comparison*.json"))) == 1


def test_the_test_split_is_read_by_the_comparison_alone(work: Work, pretended: Pretended) -> None:
    seen = pretended(score)
    work("test=true")
    tested = [config for config in seen if config.test]
    assert {config.group for config in tested} == {"discover/s/confirm"}
    assert len(tested) == 4 * 6


def test_halving_ends_two_thirds_at_a_third_of_the_epochs(work: Work, pretended: Pretended) -> None:
    pretended(score)
    found = work("formulas=20", "control=false")
    status = Counter(formula.status for formula in found.formulas)
    assert status["pruned"] >= 8
    pruned = [f for f in found.formulas if f.status == "pruned"]
    # Stopped after the first of three epochs, where the loss is 0.2 above that of the end.
    assert all(f.loss == pytest.approx(0.3 + f.length / 100) for f in pruned)
    assert not {f.text for f in pruned} & {f.label for f in found.finalists}


def test_one_epoch_is_not_halved(work: Work, pretended: Pretended) -> None:
    pretended(lambda config: score(config)[2:])
    found = work("trainer.max_epochs=1")
    assert {formula.status for formula in found.formulas} == {"finished"}
    assert found.evidence is not None


def test_a_search_goes_on_where_it_was_killed(
    work: Work, pretended: Pretended, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = pretended(score)
    unbroken = [f.text for f in work("name=u", "halving=false").formulas]
    del seen[:]
    trained = job_module.train

    def killed(config: TrainConfig, on_epoch: object = None) -> object:
        if len(seen) == 2 + 9:  # relu and tanh first
            raise KeyboardInterrupt
        return trained(config, on_epoch=on_epoch)  # type: ignore[arg-type]

    monkeypatch.setattr(job_module, "train", killed)
    with pytest.raises(KeyboardInterrupt):
        work("halving=false")
    kept = trials(tmp_path / "discover" / "s")
    assert len(kept) == 9
    monkeypatch.setattr(job_module, "train", trained)
    # Others may add trials of their own.
    storage = open_storage(f"journal://{tmp_path / 'discover' / 's'}/journal.log")
    optuna.load_study(study_name="s", storage=storage).add_trial(
        optuna.trial.create_trial(value=0.1)
    )
    found = work("halving=false")
    assert [f.text for f in found.formulas] == unbroken
    assert len(trials(tmp_path / "discover" / "s")) == 24 + 1
    before = len(seen)
    again = work("halving=false")
    assert len(seen) == before  # nothing is trained twice
    assert again.evidence == found.evidence


def test_more_formulas_are_added(work: Work, pretended: Pretended, tmp_path: Path) -> None:
    pretended(score)
    first = work()
    more = work("formulas=15")
    assert len(more.formulas) == 30
    assert [f.text for f in more.formulas[:24]] == [f.text for f in first.formulas]


def test_another_question_under_the_same_name(work: Work, pretended: Pretended) -> None:
    pretended(score)
    work()
    with pytest.raises(UserError, match=r"asks something else .*units was 2, is 1"):
        work("units=1")


def test_formulas_that_diverge_or_fail(work: Work, pretended: Pretended) -> None:
    def sick(config: TrainConfig) -> list[float]:
        if "sin" in formula_of(config):
            return [math.nan]
        return score(config)

    pretended(sick)
    found = work("halving=false", "pieces=[+,*,sin,tanh,relu,constant]")
    diverged = [f for f in found.formulas if "sin" in f.text]
    assert diverged
    assert {f.status for f in diverged} == {"diverged"}
    assert all(f.loss is None for f in diverged)

    def broken(config: TrainConfig) -> list[float]:
        if formula_of(config):
            raise ValueError("no such thing")
        return score(config)

    pretended(broken)
    with pytest.raises(UserError, match=r"3 formulas failed, more than max_failures=2; .*no such"):
        work("name=broken", "max_failures=2", "control=false")


def test_too_few_pieces_end_in_evidence(work: Work, pretended: Pretended) -> None:
    pretended(score)
    found = work("pieces=[relu,tanh]", "units=1")
    assert found.notes
    assert all("none was found that is new" in note for note in found.notes)
    assert found.left == 0
    assert found.evidence is not None


def test_nothing_was_tried_yet(work: Work, pretended: Pretended) -> None:
    pretended(score)
    with pytest.raises(TimeIsUp, match=r"2 of 2 runs are left; the same command resumes"):
        work("minutes=1e-9")
    work("formulas=2")
    found = work("minutes=1e-9", "name=s")
    assert (found.left, len(found.formulas), found.evidence) == (20, 4, None)
    empty = Discovery(found.folder, "accuracy", [], {})
    assert len(empty.table) == 0
    assert write_pictures(empty) == []


def test_fewer_formulas_than_before(work: Work, pretended: Pretended) -> None:
    pretended(score)
    work()
    assert work("formulas=5").left == 0


def test_arms_are_judged_apart(work: Work, pretended: Pretended) -> None:
    def biased(config: TrainConfig) -> list[float]:
        text = formula_of(config)
        return [0.1 + len(text) / 1000] * 3 if text else [0.5] * 3

    pretended(biased)
    found = work("formulas=18")
    for arm in ("evolution", "random"):
        finished = [f for f in found.formulas if f.arm == arm and f.status == "finished"]
        assert finished  # the best of each arm at the least


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("pieces=[+,sine]", "Unknown piece of a formula 'sine'"),
        ("pieces=tanh", "pieces must be all or a list"),
        ("hand_made=[rleu]", "did you mean 'relu'"),
        ("hand_made=relu", "hand_made must be all or a list"),
        ("lr_grid=[]", "lr_grid must list learning rates"),
        ("lr_grid=[-1]", "lr_grid: optim.lr must be above 0, not -1"),
        ("trainer.fast_dev_run=true", "has no loss to compare"),
        ("data.validation=0", "judged on a validation split"),
        ("transfer_models=[cmm]", "Transfer to cmm on digits: Unknown model 'cmm'"),
        ("transfer_models=[cnn,cnn]", "transfer_models has a name twice"),
        ("transfer_datasets=[csv]", "Transfer to mlp on csv: .*data.path"),
        ("transfer_models=cnn", "transfer_models must be a list of names, not 'cnn'"),
        (
            "transfer_datasets=[text]",
            "Transfer to mlp on text: model=mlp cannot read",
        ),
        ("units=4", "units must be at least 1 and at most 3, not 4"),
    ],
)
def test_mistakes(
    work: Work, pretended: Pretended, tmp_path: Path, override: str, message: str
) -> None:
    seen = pretended(score)
    with pytest.raises(UserError, match=message):
        work(override)
    assert not seen
    assert not list(tmp_path.iterdir())  # nothing is left behind


@pytest.mark.paints
def test_what_is_printed_and_drawn(work: Work, pretended: Pretended) -> None:
    pretended(score)
    found = work()
    console = Console(record=True, width=120, file=io.StringIO())
    print_discovery(found, console)
    text = console.export_text()
    best = found.best
    assert best is not None
    assert best.label in text
    assert f"LaTeX:    {best.description()['LaTeX']}" in text
    assert "lambda x: " in text
    assert "evolution: " in text
    pictures = {path.name for path in write_pictures(found)}
    assert pictures >= {"progress.png", "front.png", "function.png"}


def test_progress_front_and_family() -> None:
    def formula(number: int, loss: float | None, size: int, parents: tuple = (), arm="evolution"):
        status = "finished" if loss is not None else "diverged"
        return Formula(f"f{number}", arm, 0, number, parents, "change", size, loss, status)

    found = Discovery(
        Path(),
        "accuracy",
        [
            formula(0, 0.5, 4),
            formula(1, 0.7, 2),
            formula(2, None, 1, (0,)),
            formula(3, 0.4, 6, (0, 1)),
            formula(4, 0.45, 9, (3,)),
            formula(0, 0.6, 3, arm="random"),
        ],
        {},
    )
    assert found.progress("evolution") == [[0.5, 0.5, 0.5, 0.4, 0.4]]
    assert found.progress("random") == [[0.6]]
    assert found.evolution_gain() is None
    assert [f.text for f, _ in found.front()] == ["f1", "f0", "f0", "f3"]
    assert [f.text for f in found.ancestors("f4")] == ["f4", "f3", "f1", "f0"]
    assert list(found.table["loss"][:2]) == [0.4, 0.45]


def test_repetitions_draw_for_themselves(work: Work, pretended: Pretended) -> None:
    pretended(score)
    once = work("name=once", "halving=false")
    found = work("repetitions=2", "halving=false")
    assert Counter((f.arm, f.repetition) for f in found.formulas) == {
        (arm, repetition): 12 for arm in ("evolution", "random") for repetition in (0, 1)
    }
    drawn = {
        r: [f.text for f in found.formulas if (f.arm, f.repetition) == ("random", r)]
        for r in (0, 1)
    }
    assert drawn[0] == [f.text for f in once.formulas if f.arm == "random"]
    assert drawn[0] != drawn[1]
    # More of them are added to those that there are.
    more = work("repetitions=3", "halving=false")
    assert [f.text for f in more.formulas[:48]] == [f.text for f in found.formulas]
    assert len(more.formulas) == 72


def ended(losses: dict[str, list[list[float]]]) -> Discovery:
    """A search whose formulas had these losses: arm -> repetition -> formula."""
    formulas = [
        Formula(f"{arm}{r}{n}", arm, r, n, (), "new", 3, loss, "finished")
        for arm, repetitions in losses.items()
        for r, own in enumerate(repetitions)
        for n, loss in enumerate(own)
    ]
    return Discovery(Path("s"), "accuracy", formulas, {})


def test_evolution_against_random_search() -> None:
    # The third formula of a longer repetition does not count: the budget is equal.
    evolution = [[0.9, 0.50, 0.01], [0.9, 0.51], [0.8, 0.52], [0.7, 0.50], [0.55, 0.6]]
    random = [[0.9, 0.60], [0.9, 0.63], [0.8, 0.60], [0.7, 0.61], [0.62, 0.7]]
    found = ended({"evolution": evolution, "random": random})
    gain = found.evolution_gain()
    assert gain is not None
    differences = [-0.10, -0.12, -0.08, -0.11, -0.07]
    assert gain.difference == pytest.approx(sum(differences) / 5)
    assert gain.p_t == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)
    assert gain.verdict == "better"
    [sentence] = gain_sentences(found.as_dict())
    assert "5 repetitions: the smallest loss differs by -0.0960" in sentence
    assert sentence.endswith("evolution is better.")
    [lines] = draw_progress(found).axes
    assert len(lines.lines) == 2 * (5 + 1)


def test_few_repetitions_decide_nothing() -> None:
    found = ended({"evolution": [[0.1], [0.2]], "random": [[0.5], [0.6]]})
    [sentence] = gain_sentences(found.as_dict())
    assert "evolution is undecided. Fewer than 5 repetitions decide nothing." in sentence
    assert ended({"evolution": [[0.1], [math.inf]], "random": [[0.5]] * 2}).evolution_gain() is None
    assert ended({"evolution": [[0.1], [0.2]]}).evolution_gain() is None


@pytest.mark.paints
def test_report_and_notebook_show_what_was_found(work: Work, pretended: Pretended) -> None:
    pretended(score)
    found = work("repetitions=2")
    write_pictures(found)
    html, markdown = (path.read_text() for path in write_report(found.folder))
    assert found.best is not None
    for text in (html, markdown):
        assert "Search for formulas: s" in text
        assert "Evolution against random search, 2 repetitions" in text
        assert "Finalists on further seeds" in text
        assert "The smallest loss so far, of evolution and of random search" in text
    assert f">{found.best.label}</td>" in html
    import_module("activation_search.reports.notebook")  # registers how results are shown
    shown = found._repr_html_()
    assert found.best.label in shown
    assert "<img" in shown
    # Damaged or foreign: the comparison is still told.
    (found.folder / "discovery.json").write_text('{"finalists": []}')
    assert [path.name for path in write_report(found.folder)] == ["report.html", "report.md"]
    (found.folder / "discovery.json").write_text("{")
    assert "Which activation on mlp on digits?" in write_report(found.folder)[1].read_text()


def test_formulas_are_tried_at_the_rate_of_the_best_hand_made_function(
    work: Work, pretended: Pretended
) -> None:
    def by_rate(config: TrainConfig) -> list[float]:
        rate = {0.001: 0.5, 0.01: 0.6, 0.1: 0.7}[config.optim.lr]
        best = str(config.activation.whole) == "tanh" and config.optim.lr == 0.01
        return [*score(config)[:2], rate + 0.2 * best]

    seen = pretended(by_rate)
    found = work("tune_lr=true", "lr_grid=[0.001,0.01,0.1]", "halving=false")
    groups: dict[str, set[float]] = {}
    for config in seen:
        groups.setdefault(config.group, set()).add(config.optim.lr)
    assert groups["discover/s/rates"] == {0.001, 0.01, 0.1}
    # tanh is the best, and that at 0.01; relu has 0.1, as formulas have once they are tuned.
    assert groups["discover/s/runs"] == {0.01}
    assert groups["discover/s/finalists"] == {0.01, 0.1}
    assert {f.label: f.lr for f in found.finalists if f.hand_made} == {"relu": 0.1, "tanh": 0.01}
    assert found.evidence is not None
    [block] = found.evidence.blocks
    assert block.baseline == "tanh"
    assert {label: arm.lr for label, arm in block.arms.items()} == {
        label: 0.01 if label == "tanh" else 0.1 for label in block.arms
    }
    assert block.arms["tanh"].tuned == {"0.001": 0.5, "0.01": 0.8, "0.1": 0.7}
    before = len(seen)
    work("tune_lr=true", "lr_grid=[0.001,0.01,0.1]", "halving=false")
    assert len(seen) == before
    with pytest.raises(UserError, match=r"asks something else .*lr_grid"):
        work("tune_lr=true", "lr_grid=[0.001]", "halving=false")
