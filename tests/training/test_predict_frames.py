"""A trained model takes the user's own frame, and reads it as it read the table."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import activation_search
from activation_search.config.compose import compose
from activation_search.config.run import TrainConfig
from activation_search.data.registry import load_splits
from activation_search.errors import UserError
from activation_search.training.module import ActivationModule
from activation_search.training.run import train

PEOPLE = Path(__file__).parents[1] / "data" / "tables" / "people.csv"


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> TrainConfig:
    return compose(
        ["model=mlp", "model.width=8", "data=csv", f"data.path={PEOPLE}", "data.target=survived",
         "data.drop=[name]", "trainer.max_epochs=2", "trainer.progress=false",
         "trainer.accelerator=cpu", f"logs={tmp_path_factory.mktemp('people')}"]
    )  # fmt: skip


@pytest.fixture(scope="module")
def model(config: TrainConfig) -> ActivationModule:
    return activation_search.load(Path(train(config).directory) / "last.ckpt")


def expected(model: ActivationModule, config: TrainConfig, people: pd.DataFrame) -> torch.Tensor:
    """By pandas: the rows that were trained on are told by their fares."""
    splits = load_splits(config.data, config.seed)
    fares = (splits.train.x.double() * splits.std + splits.mean)[:, 4].numpy().round(2)
    table = pd.read_csv(PEOPLE)
    median = table[table["fare"].isin(fares)]["age"].median()

    def inputs(frame: pd.DataFrame) -> np.ndarray:
        return np.column_stack(
            [
                frame["sex"] == "female",
                frame["sex"] == "male",
                frame["age"].fillna(median),
                frame["age"].isna(),
                frame["fare"],
                *(frame["port"] == port for port in "CQS"),
                frame["alone"],
            ]
        ).astype(float)

    trained = inputs(table[table["fare"].isin(fares)])
    x = (inputs(people) - trained.mean(0)) / trained.std(0)
    with torch.no_grad():
        return model.network(torch.from_numpy(x).float())[:, 0].sigmoid()


def test_a_frame(model: ActivationModule, config: TrainConfig) -> None:
    people = pd.read_csv(PEOPLE)
    wanted = expected(model, config, people)
    assert wanted.std() > 0
    torch.testing.assert_close(model.predict(people), wanted, rtol=1e-5, atol=1e-6)
    turned = people[people.columns[::-1]].drop(columns=["survived", "id"])
    torch.testing.assert_close(model.predict(turned), wanted, rtol=1e-5, atol=1e-6)


def test_values_that_training_never_saw(model: ActivationModule, config: TrainConfig) -> None:
    people = pd.DataFrame(
        {
            "sex": ["male", "unknown", None],
            "age": [None, 200, 30.5],
            "fare": [-1.0, 5, 1e3],
            "port": ["Z", "C", "S"],
            "alone": [True, False, True],
        }
    )
    torch.testing.assert_close(
        model.predict(people), expected(model, config, people), rtol=1e-5, atol=1e-6
    )


def test_what_was_done_stands_in_the_checkpoint(model: ActivationModule) -> None:
    columns = model.hparams["columns"]
    assert [column["name"] for column in columns] == ["sex", "age", "fare", "port", "alone"]
    assert [column["words"] for column in columns] == [["female", "male"], [], [], [*"CQS"], []]


def test_a_sentence_for_what_cannot_be_read(model: ActivationModule) -> None:
    people = pd.read_csv(PEOPLE)
    for given, sentence in [
        (people.drop(columns="fare"), r"^The frame lacks column fare; it has id, name, sex, age"),
        (people.assign(fare="dear"), r"^The frame, row 1: column fare holds 'dear', no number"),
        (people.assign(alone="maybe"), r"^The frame, row 1: column alone holds 'maybe', neither"),
        (np.zeros((3, 9)), r"predict takes a pandas frame with the columns sex, age, fare, port,"),
    ]:
        with pytest.raises(UserError, match=sentence):
            model.predict(given)


def test_numbers_alone_come_as_arrays_too(tmp_path: Path) -> None:
    config = compose(
        ["model=mlp", "model.width=4", "data=csv", f"data.path={PEOPLE.parent}/rare.csv",
         "data.target=class", "trainer.max_epochs=1", "trainer.progress=false",
         "trainer.accelerator=cpu", f"logs={tmp_path}"]
    )  # fmt: skip
    model = activation_search.load(Path(train(config).directory) / "last.ckpt")
    frame = pd.read_csv(PEOPLE.parent / "rare.csv")
    x = frame[["x", "y"]].to_numpy()
    assert torch.equal(model.predict(frame), model.predict(x))
