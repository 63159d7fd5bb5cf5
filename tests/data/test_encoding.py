"""From columns to inputs, and the medians that fill them."""

import math

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from activation_search.data.column import Column
from activation_search.data.encoding import (
    InputColumn,
    fill,
    medians,
    network_inputs,
    with_medians,
)
from activation_search.errors import UserError

NAN = math.nan
AGE = InputColumn("age", "numbers", missing=2)
SMOKER = InputColumn("smoker", "yes or no")
COLOUR = InputColumn("colour", "words", missing=1, words=("blue", "red"))


def column(name: str, *texts: str) -> Column:
    return Column("my.csv", name, True, range(2, 2 + len(texts)), list(texts))


def test_inputs() -> None:
    assert AGE.inputs == ["age", "age missing"]
    assert SMOKER.inputs == ["smoker"]
    assert COLOUR.inputs == ["colour=blue", "colour=red"]
    assert [str(c) for c in (AGE, SMOKER, COLOUR)] == [
        "age (2 missing: median, flag)",
        "smoker (1 for yes)",
        "colour (one-hot of 2, 1 missing: zeros)",
    ]
    assert str(InputColumn("rooms", "numbers")) == "rooms"
    for one in (AGE, SMOKER, COLOUR):
        assert InputColumn.from_dict(one.as_dict()) == one


def test_encoded() -> None:
    np.testing.assert_array_equal(
        AGE.encode(column("age", "1,5", "NA", "-2"), ","), [[1.5, 0], [NAN, 1], [-2, 0]]
    )
    np.testing.assert_array_equal(
        SMOKER.encode(column("smoker", "Yes", "FALSE", "")), [[1], [0], [NAN]]
    )
    np.testing.assert_array_equal(
        COLOUR.encode(column("colour", "red", "", "green", "blue")),
        [[0, 1], [0, 0], [0, 0], [1, 0]],
    )
    with pytest.raises(UserError, match=r"my.csv, line 3: column smoker holds '1', neither yes no"):
        SMOKER.encode(column("smoker", "yes", "1"))


def test_what_is_made_of_a_column_is_learned_from_the_rows_for_training() -> None:
    texts = column("size", "S", "L", "XL", "", "M", "")
    found = InputColumn.of(texts, "words", np.array([0, 1, 3, 1]), 2)
    assert found == InputColumn("size", "words", missing=1, words=("L", "S"))
    with pytest.raises(UserError) as refused:
        InputColumn.of(texts, "words", np.arange(6), 3)
    assert str(refused.value) == (
        "my.csv: column size holds 4 different words, more than data.categories=3; leave it out by "
        "data.drop=[size], or raise data.categories."
    )
    with pytest.raises(UserError) as refused:
        InputColumn.of(texts, "words", np.array([3, 5]), 3)
    assert str(refused.value) == (
        "my.csv: column size holds no value in the rows for training; leave it out by "
        "data.drop=[size]."
    )


def test_medians() -> None:
    x = np.array([[1.0, NAN, 5], [NAN, NAN, 6], [2, NAN, 6], [9, NAN, 1e300]])
    assert medians(x).tolist() == [2, 0, 6]
    np.testing.assert_array_equal(fill(x[:2], medians(x)), [[1, 0, 5], [2, 0, 6]])
    found = with_medians([COLOUR, AGE, SMOKER], np.array([0.0, 1, 38.5, 0, 0.5]))
    assert [c.median for c in found] == [None, 38.5, 0.5]


def test_a_frame_as_inputs() -> None:
    columns = with_medians([AGE, SMOKER, COLOUR], np.array([38.5, 0, 1, 0, 0]))
    frame = pd.DataFrame(
        {
            "colour": ["red", None, "violet"],
            "other": [1, 2, 3],
            " smoker ": [True, None, False],
            "age": [20, np.nan, 1e-3],
        }
    )
    expected = [[20, 0, 1, 0, 1], [38.5, 1, 1, 0, 0], [1e-3, 0, 0, 0, 0]]
    assert network_inputs(columns, frame).tolist() == expected
    for change, sentence in [
        (frame.drop(columns="age"), "The frame lacks column age; it has colour, other, smoker."),
        (frame.assign(age="x"), "The frame, row 1: column age holds 'x', no number; correct it"),
        (frame.assign(age=np.inf), "The frame, row 1: column age holds 'inf', no number"),
        (frame.rename(columns={"other": "age"}), "The frame has two columns named 'age'."),
        (frame.to_numpy(), "This model was trained on a table with gaps or words: predict takes a "
         "pandas frame with the columns age, smoker, colour."),
    ]:  # fmt: skip
        with pytest.raises(UserError) as refused:
            network_inputs(columns, change)
        assert str(refused.value).startswith(sentence)


def test_arrays_stay_as_they_are_where_all_columns_are_numbers() -> None:
    x = np.ones((2, 1))
    assert network_inputs([], x) is x
    plain = [InputColumn("a", "numbers", median=3.0)]
    assert network_inputs(plain, x) is x
    # A gap that training had none of is filled, too.
    assert network_inputs(plain, pd.DataFrame({"a": [1, None]})).tolist() == [[1], [3]]


def test_tables_of_other_libraries_and_decimal_commas() -> None:
    columns = [InputColumn("a", "numbers"), InputColumn("b", "numbers")]
    table = pa.table({"b": [10.0], "a": [1.0]})
    assert network_inputs(columns, table).tolist() == [[1.0, 10.0]]
    frame = pd.DataFrame({"b": [10.5, 20], "a": ["0,5", "1,25"]})
    assert network_inputs(columns, frame).tolist() == [[0.5, 10.5], [1.25, 20.0]]
