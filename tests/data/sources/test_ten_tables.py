"""Ten tables as people have them: their inputs, a model of each, a sentence for what is refused."""

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from activation_search.config.compose import compose
from activation_search.config.data import CSVConfig
from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_splits
from activation_search.data.sources.csv_table import load
from activation_search.data.splits import Source, split
from activation_search.errors import UserError
from activation_search.training.result import FINISHED
from activation_search.training.run import train

TABLES = Path(__file__).parents[1] / "tables"
NAN = math.nan


@dataclass(frozen=True)
class Expected:
    """inputs: their names. row: one row of them, found by its first value that is unique.
    settings: beside path and target. kind: of the target."""

    name: str
    target: str
    kind: str
    inputs: list[str]
    row: list[float]
    settings: list[str] = field(default_factory=list)


TEN = [
    Expected("gaps.csv", "oxygen", "numbers",
             ["weight", "height", "height missing"], [89.375, NAN, 1]),
    Expected("words.csv", "price", "numbers",
             ["area", "colour=blue, dark", "colour=green", "colour=red",
              "size=L", "size=M", "size=S", "size=XL"],
             [46.04, 0, 1, 0, 0, 0, 0, 0]),
    Expected("truths.csv", "state", "binary",
             ["smoker", "active", "active missing", "age"], [1, 0, 0, 57.01]),
    Expected("european.csv", "Ertrag", "numbers",
             ["Temperatur", "Regen", "Regen missing", "Lage=Nord", "Lage=Süd"],
             [27.25, 12.125, 0, 0, 1]),
    Expected("tabs.tsv", "response", "binary",
             ["gene=g0", "gene=g1", "gene=g2", "gene=g3", "length", "level"],
             [0, 1, 0, 0, 57.01, 2.75]),
    Expected("bars.txt", "class", "classes",
             ["dose", "kind=a|b", "kind=c", "delay", "delay missing"], [46.04, 1, 0, NAN, 1]),
    Expected("patients.csv", "finding", "binary",
             ["side=left", "side=right", "thickness"], [0, 1, 57.01], ["data.group=patient"]),
    Expected("dates.csv", "sales", "numbers",
             ["visitors", "shop=a", "shop=b"], [57.01, 0, 1], ["data.drop=[day]"]),
    Expected("rare.csv", "class", "classes", ["x", "y"], [57.01, 6.5]),
    Expected("people.csv", "survived", "binary",
             ["sex=female", "sex=male", "age", "age missing", "fare",
              "port=C", "port=Q", "port=S", "alone"],
             [0, 1, NAN, 1, 47.75, 1, 0, 0, 0], ["data.drop=[name]"]),
]  # fmt: skip


def configured(name: str, target: str, *more: str) -> TrainConfig:
    return compose(
        ["model=mlp", "model.width=4", "data=csv", f"data.path={TABLES / name}",
         f"data.target={target}", *more]
    )  # fmt: skip


def read(name: str, target: str, *more: str) -> Source:
    data = configured(name, target, *more).data
    assert isinstance(data, CSVConfig)
    return load(data)


@pytest.mark.parametrize("table", TEN, ids=lambda table: table.name)
def test_inputs(table: Expected) -> None:
    source = read(table.name, table.target, *table.settings)
    assert source.target.kind == table.kind
    assert [name for column in source.columns for name in column.inputs] == table.inputs
    x = np.concatenate([source.x_train, source.x_test])
    assert x.shape == (40, len(table.inputs))
    assert x.dtype == np.float64
    same = np.isclose(x, table.row, rtol=0, atol=1e-12, equal_nan=True).all(1)
    assert same.sum() == 1


@pytest.mark.parametrize("table", TEN, ids=lambda table: table.name)
def test_trained(table: Expected, tmp_path: Path) -> None:
    config = configured(
        table.name, table.target, *table.settings, "trainer.max_epochs=1",
        "trainer.accelerator=cpu", "trainer.progress=false", f"logs={tmp_path}",
    )  # fmt: skip
    result = train(config)
    assert result.status == FINISHED
    assert math.isfinite(result.metrics["test_loss"])


def test_what_was_done_stands_in_the_result(tmp_path: Path) -> None:
    source = read("people.csv", "survived", "data.drop=[name]")
    lacking = sum(np.isnan(source.x_train).any(1))
    assert source.origin["columns"] == (
        f"sex (one-hot of 2), age ({lacking} missing: median, flag), fare, "
        "port (one-hot of 3), alone (1 for yes)"
    )
    assert source.origin["note"].startswith("Left out, since it only counts or names the rows: co")


def test_the_same_as_parquet(tmp_path: Path) -> None:
    frame = pd.read_csv(TABLES / "people.csv")
    frame.to_parquet(tmp_path / "people.parquet")
    text, typed = (
        read(path, "survived", "data.drop=[name]")
        for path in ("people.csv", str(tmp_path / "people.parquet"))
    )
    assert text.columns == typed.columns
    np.testing.assert_array_equal(text.x_train, typed.x_train)
    np.testing.assert_array_equal(text.y_test, typed.y_test)


@pytest.mark.parametrize("seed", range(3))
def test_no_patient_is_on_both_sides(seed: int) -> None:
    """Four rows of each, told by the unique thickness of a row."""
    frame = pd.read_csv(TABLES / "patients.csv")
    patient = dict(zip(frame["thickness"], frame["patient"], strict=True))
    splits = load_splits(configured("patients.csv", "finding", "data.group=patient").data, seed)
    assert splits.origin["groups"] == "patient: 10 groups, each in one part"
    assert splits.validation is not None
    seen = []
    for part in (splits.train, splits.validation, splits.test):
        thickness = (part.x.double() * splits.std + splits.mean)[:, -1].numpy().round(2)
        seen.append({patient[value] for value in thickness})
        assert part.y is not None
        assert set(part.y.tolist()) == {0, 1}
    assert sum(map(len, seen)) == len(set.union(*seen)) == 10


@pytest.mark.parametrize("seed", range(5))
def test_a_rare_class_is_in_every_part(seed: int) -> None:
    """Three rows of forty: one each."""
    splits = split(read("rare.csv", "class"), 0.2, seed)
    assert splits.validation is not None
    for part in (splits.train, splits.validation, splits.test):
        assert part.y is not None
        assert np.bincount(part.y, minlength=3)[2] == 1


def test_not_stratified() -> None:
    """Some seed leaves the validation part without the rare class."""
    source = read("rare.csv", "class", "data.stratify=false")
    rare = set()
    for seed in range(10):
        validation = split(source, 0.2, seed).validation
        assert validation is not None
        assert validation.y is not None
        rare.add(int((validation.y == 2).sum()))
    assert 0 in rare


def test_medians_are_of_the_training_part() -> None:
    frame = pd.read_csv(TABLES / "people.csv")
    age = dict(zip(frame["fare"], frame["age"], strict=True))
    config = configured("people.csv", "survived", "data.drop=[name]").data
    found = set()
    for seed in range(4):
        splits = load_splits(config, seed)
        x = splits.train.x.double() * splits.std + splits.mean
        trained = pd.Series([age[fare] for fare in x[:, 4].numpy().round(2)])
        [column] = [column for column in splits.columns if column.name == "age"]
        assert column.median == trained.median()
        found.add(column.median)
        assert x[:, 2].numpy() == pytest.approx(trained.fillna(column.median), abs=1e-4)
    assert len(found) > 1


@pytest.mark.parametrize(
    ("name", "target", "settings", "sentence"),
    [
        ("dates.csv", "sales", [],
         "dates.csv, line 2: column day holds '2020-01-01', a date or time; leave the column out "
         "by data.drop=[day], or write numbers, such as years since a fixed day."),
        ("people.csv", "survived", [],
         "people.csv: column name holds 32 different words, more than data.categories=20; leave it "
         "out by data.drop=[name], or raise data.categories."),
        ("people.csv", "survived", ["data.drop=[nam]"],
         "Unknown data.drop of people.csv 'nam', did you mean 'name'? allowed: id, name, sex, age, "
         "fare, port, alone."),
        ("people.csv", "survived", ["data.group=survived"],
         "Unknown data.group of people.csv 'survived'; allowed: id, name, sex, age, fare, port, "
         "alone."),
        ("people.csv", "survived", ["data.drop=[name]", "data.group=port"],
         "people.csv, line 8: column port holds no value; data.group needs the group of each row."),
        ("people.csv", "survived", ["data.drop=[name]", "data.group=sex"],
         "people.csv: column sex has 2 different values; training, validation and test need a "
         "group each."),
        ("rare.csv", "class", ["data.drop=[x]", "data.group=class"],
         "Unknown data.group of rare.csv 'class'; allowed: x, y."),
        ("rare.csv", "class", ["data.drop=[x]", "data.group=y"],
         "rare.csv has no column beside class, x, y."),
        ("patients.csv", "thickness", ["data.drop=[id,patient,side,finding]"],
         "patients.csv has no column beside thickness, id, patient, side, finding."),
    ],
)  # fmt: skip
def test_a_sentence_for_each_that_is_refused(
    name: str, target: str, settings: list[str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(TABLES)
    config = compose(["data=csv", f"data.path={name}", f"data.target={target}", *settings]).data
    assert isinstance(config, CSVConfig)
    with pytest.raises(UserError) as refused:
        load(config)
    assert str(refused.value) == sentence


def test_a_class_of_one_group(tmp_path: Path) -> None:
    rows = [f"{i / 7},p{i // 4},{'ab'[i < 4]}" for i in range(40)]
    (tmp_path / "my.csv").write_text("\n".join(["x,patient,y", *rows]))
    with pytest.raises(UserError, match=r"column y: class b has rows of a single patient; it can"):
        read(str(tmp_path / "my.csv"), "y", "data.group=patient")
