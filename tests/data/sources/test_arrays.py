"""Arrays of the user's own: what they become, and a sentence for each that cannot be used."""

import math
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from activation_search.config.data import ArraysConfig, FunctionConfig
from activation_search.data.sources.arrays import from_arrays, load_arrays, load_function
from activation_search.data.splits import Source
from activation_search.errors import UserError

from ...files import FUNCTION, images, series, write_arrays


def settings(
    sample: str = "auto", target_kind: str = "auto", channels: str = "auto"
) -> ArraysConfig:
    return ArraysConfig(
        "arrays", 64, 0.2, sample=sample, target_kind=target_kind, channels=channels
    )


def read(
    changes: Mapping[str, np.ndarray | None] | None = None,
    sample: str = "auto",
    target_kind: str = "auto",
    channels: str = "auto",
) -> Source:
    """Sixty and thirty series of three classes, with some arrays changed or, by none, left out."""
    (x_train, y_train), (x_test, y_test) = series(60), series(30, seed=1)
    arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    kept = {name: a for name, a in (arrays | dict(changes or {})).items() if a is not None}
    return from_arrays(kept, "my.npz", settings(sample, target_kind, channels), {})


@pytest.mark.parametrize(
    ("shape", "dtype", "sample", "kind", "becomes"),
    [
        ((7,), "float64", "auto", "vector", (7,)),
        ((12, 2), "float64", "auto", "series", (12, 2)),
        ((12, 2), "int64", "vector", "vector", (24,)),
        ((12,), "float32", "series", "series", (12, 1)),
        ((28, 28), "uint8", "auto", "image", (1, 28, 28)),
        ((28, 28), "float32", "image", "image", (1, 28, 28)),
        ((32, 30, 3), "uint8", "auto", "image", (3, 32, 30)),
        ((3, 32, 30), "uint8", "auto", "image", (3, 32, 30)),
    ],
)
def test_kinds_of_samples(
    shape: tuple[int, ...], dtype: str, sample: str, kind: str, becomes: tuple[int, ...]
) -> None:
    x = np.arange(60 * np.prod(shape)).reshape(60, *shape).astype(dtype)
    source = read({"x_train": x, "x_test": x[:30]}, sample)
    assert (source.sample.kind, source.sample.shape) == (kind, becomes)
    assert source.x_train.shape == (60, *becomes)
    kept = dtype == "uint8" and kind == "image"
    # Nothing is rounded: float32 holds every value of float32 and of bytes only.
    exact = np.float32 if dtype in ("float32", "uint8") else np.float64
    assert source.x_train.dtype == (np.uint8 if kept else exact)
    if shape == (32, 30, 3):  # colours come last in the file
        assert source.x_train[5, 1, 2, 3] == x[5, 2, 3, 1]


@pytest.mark.parametrize(
    ("labels", "target_kind", "kind", "size", "names"),
    [
        (np.array([0, 1, 2]), "auto", "classes", 3, ()),
        (np.array([0, 1, 1]), "auto", "binary", 1, ()),
        (np.array([False, True, True]), "auto", "binary", 1, ()),
        (np.array(["cat", "ant", "bee"]), "auto", "classes", 3, ("ant", "bee", "cat")),
        (np.array([0.0, 1.0, 2.0]), "classes", "classes", 3, ()),
        (np.array([5, 1, 3]), "classes", "classes", 3, ("1", "3", "5")),
        (np.array([0.5, 1.5, 2.5]), "auto", "numbers", 1, ()),
        (np.array([3, 5, 7]), "numbers", "numbers", 1, ()),
        (np.array([[0.5, 1], [1.5, 2], [2.5, 3]]), "auto", "numbers", 2, ()),
        (np.array([[0], [1], [2]]), "auto", "classes", 3, ()),
    ],
)
def test_kinds_of_targets(
    labels: np.ndarray, target_kind: str, kind: str, size: int, names: tuple[str, ...]
) -> None:
    y = labels[np.arange(60) % 3]
    source = read({"y_train": y, "y_test": y[:30]}, target_kind=target_kind)
    assert (source.target.kind, source.target.size, source.target.names) == (kind, size, names)
    assert source.y_train is not None
    if kind == "numbers":
        assert source.y_train.shape == (60, size)
        assert source.y_train.dtype == np.float64
    else:
        assert source.y_train.dtype == np.int64
    if names == ("ant", "bee", "cat"):
        assert [names[i] for i in source.y_train[:3]] == ["cat", "ant", "bee"]


@pytest.mark.parametrize("dtype", ["int8", "uint16", "float16", "bool", "float32"])
def test_types_that_float32_holds(dtype: str) -> None:
    x = (np.arange(60 * 5).reshape(60, 5) % 100).astype(dtype)
    source = read({"x_train": x, "x_test": x[:30]})
    assert source.x_train.dtype == np.float32
    assert (source.x_train == x).all()


@pytest.mark.parametrize("dtype", [">f8", ">i4", "int64", "float64"])
def test_types_that_only_float64_holds(dtype: str) -> None:
    x = (np.arange(60 * 5).reshape(60, 5) + 2**24).astype(dtype)
    source = read({"x_train": x[::-1], "x_test": x[:30]})
    assert source.x_train.dtype == np.dtype(np.float64)  # in this machine's order of bytes
    assert source.x_train[0].tolist() == [
        16777511.0,
        16777512.0,
        16777513.0,
        16777514.0,
        16777515.0,
    ]


LARGE = [16777216, 16777217, 16777218]  # float32 has no number for the second
BEYOND = [2**53, 2**53 + 1, 2**53 + 2]  # nor has float64


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (np.array(LARGE), ("16777216", "16777217", "16777218")),
        (np.array(LARGE, float), ("16777216", "16777217", "16777218")),
        (np.array(LARGE, np.uint32), ("16777216", "16777217", "16777218")),
        (np.array(BEYOND), ("9007199254740992", "9007199254740993", "9007199254740994")),
        (np.array([-1, 2**62, 2**62 + 1]), ("-1", "4611686018427387904", "4611686018427387905")),
        (np.array(BEYOND, np.uint64), ("9007199254740992", "9007199254740993", "9007199254740994")),
        (np.array(["1e3", "1000", "1000.0"]), ("1000", "1000.0", "1e3")),
    ],
)
def test_labels_keep_their_value(labels: np.ndarray, names: tuple[str, ...]) -> None:
    source = read({"y_train": labels[Y], "y_test": labels[Y[:30]]}, target_kind="classes")
    assert source.target.names == names
    assert source.y_train is not None
    assert [names[i] for i in source.y_train[:3]] == [str(k) for k in labels.tolist()] or (
        labels.dtype == float
    )
    assert source.y_train[:6].tolist() == [*source.y_train[:3].tolist()] * 2


def test_labels_of_two_types_are_compared_exactly() -> None:
    large = np.array([0, 2**53 + 1, 2**53 + 2])
    source = read({"y_train": large[Y], "y_test": large.astype(np.uint64)[Y[:30]]},
                  target_kind="classes")  # fmt: skip
    assert source.y_test is not None
    assert source.y_test[:3].tolist() == [0, 1, 2]
    with pytest.raises(UserError, match=r"y_test holds 9007199254740992, a class not trained on"):
        read({"y_train": large[Y], "y_test": large.astype(float)[Y[:30]]}, target_kind="classes")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_one_hot_rows_are_classes(dtype: str) -> None:
    rows = np.eye(3)[[2, 0, 1]].astype(dtype)
    source = read({"y_train": rows[Y], "y_test": rows[Y[:30]]})
    assert (source.target.kind, source.target.size) == ("classes", 3)
    assert source.y_train is not None
    assert source.y_train[:4].tolist() == [2, 0, 1, 2]
    assert source.origin["note"].startswith("The targets are one-hot and taken for classes")
    numbers = read({"y_train": rows[Y], "y_test": rows[Y[:30]]}, target_kind="numbers")
    assert (numbers.target.kind, numbers.target.size) == ("numbers", 3)
    with pytest.raises(UserError, match=r"y_test is not one-hot with 3 columns, as that for train"):
        read({"y_train": rows[Y], "y_test": np.full((30, 3), 0.5)})


def test_rows_that_are_almost_one_hot_are_numbers() -> None:
    soft = np.array([[0.9, 0.1], [0.0, 1.0], [1.0, 0.0]])[Y]
    for rows in (soft, soft.round() + np.array([0, 1])):
        source = read({"y_train": rows, "y_test": rows[:30]})
        assert (source.target.kind, source.target.size) == ("numbers", 2)


@pytest.mark.parametrize(
    ("shape", "channels", "becomes"),
    [
        ((16, 16, 3), "auto", (3, 16, 16)),
        ((3, 16, 16), "auto", (3, 16, 16)),
        ((16, 16, 2), "last", (2, 16, 16)),
        ((16, 16, 2), "first", (16, 16, 2)),
        ((3, 32, 3), "last", (3, 3, 32)),
        ((3, 32, 3), "first", (3, 32, 3)),
        ((8, 8, 30), "last", (30, 8, 8)),  # hyperspectral
        ((16, 16, 2), "auto", None),
        ((3, 32, 3), "auto", None),
        ((1, 28, 1), "auto", None),
        ((4, 6, 3), "auto", None),
    ],
)
def test_where_channels_are(
    shape: tuple[int, ...], channels: str, becomes: tuple[int, ...] | None
) -> None:
    x = np.arange(60 * np.prod(shape), dtype=np.float32).reshape(60, *shape)
    if becomes is None:
        sentence = rf"\[60, {shape[0]}, {shape[1]}, {shape[2]}\], which does not tell where the "
        with pytest.raises(UserError, match=sentence + "channels are: set data.channels=first"):
            read({"x_train": x, "x_test": x[:30]}, channels=channels)
        return
    source = read({"x_train": x, "x_test": x[:30]}, channels=channels)
    assert source.sample.shape == becomes
    last = becomes != shape
    assert source.x_train[7, 1, 0, 1] == (x[7, 0, 1, 1] if last else x[7, 1, 0, 1])


def test_a_validation_part_of_its_own() -> None:
    x, y = series(9, seed=2)
    source = read({"x_validation": x, "y_validation": y})
    assert source.x_validation is not None
    assert source.x_validation.shape == (9, 12, 2)


def test_steps_that_a_series_lacks() -> None:
    x, _ = series(60)
    x[3, 7:] = np.nan
    assert read({"x_train": x}).sample.varies
    assert not read().sample.varies


def nan_at(*place: int, value: float = np.nan) -> np.ndarray:
    x, _ = series(60)
    x[place] = value
    return x


Y = np.arange(60) % 3


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"y_test": None}, "my.npz lacks y_test; it holds x_train, y_train, x_test"),
        ({"x_validation": series(9)[0]}, "my.npz lacks y_validation"),
        ({"x_valid": series(9)[0]}, "Unknown array in my.npz: 'x_valid', did you mean 'x_vali"),
        ({"x_train": np.zeros((0, 12, 2))}, r"x_train has shape \[0, 12, 2\]; it must be"),
        ({"x_train": np.zeros(60)}, r"x_train has shape \[60\]; it must be"),
        ({"x_train": np.full((60, 2), "a")}, r"x_train holds text \(a\), not numbers"),
        (
            {"x_train": np.full((60, 2), None)},
            r"x_train holds Python objects, not numbers; make .* \.astype\(float\)",
        ),
        ({"x_train": nan_at(4, 3, 1)}, r"x_train holds nan at sample 4 \(position \[3, 1\]\)"),
        ({"x_train": nan_at(5, 3)}, r"x_train holds nan at sample 5 .* 2 values"),
        ({"x_train": nan_at(4, 3, 1, value=np.inf)}, "x_train holds inf at sample 4"),
        ({"x_train": nan_at(6)}, "x_train holds no step at sample 6"),
        ({"x_test": series(30)[0][:, :5]}, r"x_test have shape \[5, 2\], those of x_train \[12, 2"),
        ({"y_train": Y[:50]}, "y_train holds 50 targets for 60 samples"),
        ({"y_train": np.array(1)}, "y_train holds one value for 60 samples"),
        ({"y_train": np.where(Y == 2, 3, Y)}, "y_train holds the whole numbers 0, 1, 3; labels go"),
        ({"y_train": Y + 1}, "whole numbers 1, 2, 3; labels .* Set data.target_kind=classes to"),
        ({"y_train": Y * 0}, "y_train holds one class only, 0"),
        ({"y_test": Y[:30] % 2}, "y_test lacks class 2"),
        ({"y_test": Y[:30] + 1}, "y_test holds 3, a class not trained on"),
        ({"y_train": np.where(Y == 1, np.nan, Y)}, "y_train holds nan at sample 1"),
        ({"y_train": np.stack([Y, Y], 1)}, r"y_train has shape \[60, 2\]; labels need one each"),
        (
            {"y_train": np.full(60, "a", object)},
            r"y_train is an array of Python objects; make it words by \.astype\(str\), or numbers",
        ),
        ({"y_train": np.zeros((60, 0))}, r"y_train is empty, of shape \[60, 0\]"),
        (
            {"y_train": Y + 0.5, "y_test": np.full(30, "a")},
            "y_test holds words, that for training n",
        ),
        ({"y_train": np.full(60, "a")}, "y_test holds numbers, that for training words"),
        ({"y_train": np.full(60, 2.5), "y_test": Y[:30] + 0.5}, "y_train is 2.5 everywhere"),
        ({"y_train": Y.astype("M8[s]")}, r"y_train holds values of type datetime64\[s\]"),
        (
            {"x_train": np.full((60, 12, 2), 2**53 + 1)},
            r"x_train holds 9007199254740993 at sample 0, which float64 would round",
        ),
        ({"x_train": np.ma.masked_less(series(60)[0], 0)}, "x_train has masked values"),
        ({"x_train": np.zeros((60, 8, 8))}, r"has shape \[60, 8, 8\]: set data.sample=image or"),
    ],
)
def test_a_sentence_for_each_mistake(changes: dict[str, np.ndarray | None], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence) as caught:
        read(changes)
    assert "my.npz" in str(caught.value)


@pytest.mark.parametrize(
    ("y", "target_kind", "sentence"),
    [
        (Y + 0.5, "classes", "holds 0.5, which is no label; for numbers set data.target_kind="),
        (np.full(60, "a"), "numbers", r"y_train holds words \(a\), not numbers"),
    ],
)
def test_a_target_of_another_kind(y: np.ndarray, target_kind: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read({"y_train": y, "y_test": y[:30]}, target_kind=target_kind)


def test_a_kind_that_the_shape_does_not_fit() -> None:
    with pytest.raises(UserError, match=r"has shape \[60, 12\], which is no data.sample=image"):
        read({"x_train": series(60)[0][:, :, 0]}, sample="image")


def configured(path: Path | None) -> ArraysConfig:
    return ArraysConfig("arrays", 64, 0.2, path=None if path is None else str(path))


def test_words_as_bytes() -> None:
    source = read({"y_train": np.array([b"ant", b"bee", b"cat"])[Y],
                   "y_test": np.array([b"ant", b"bee", b"cat"])[Y[:30]]})  # fmt: skip
    assert source.target.names == ("ant", "bee", "cat")


def test_bytes_and_shares_of_one_are_not_mixed() -> None:
    x = images(60, channels=1, size=8)[..., 0]
    with pytest.raises(UserError, match=r"x_test holds float32, x_train does not"):
        read({"x_train": x, "x_test": (x[:30] / 255).astype(np.float32)}, sample="image")


def test_tensors_and_lists_of_a_function() -> None:
    (x_train, y_train), (x_test, y_test) = series(60), series(30, seed=1)
    given = {
        "x_train": torch.tensor(x_train, requires_grad=True),
        "y_train": y_train.tolist(),
        "x_test": torch.tensor(x_test).bfloat16(),
        "y_test": torch.tensor(y_test),
        3: 4,
    }
    source = from_arrays(given, "mine", settings(), {})  # type: ignore[arg-type]
    np.testing.assert_allclose(source.x_train, x_train, rtol=1e-6)
    with pytest.raises(UserError, match=r"mine: x_test cannot be made an array"):
        from_arrays({**given, "x_test": [[1.0], [2.0, 3.0]]}, "mine", settings(), {})  # type: ignore[arg-type]


@pytest.mark.parametrize("gap", ["nan", "NaN", "<NA>", ""])
def test_a_gap_that_became_a_word_is_no_class(gap: str) -> None:
    changes = {"y_train": np.array(["a", gap, "b"] * 20), "y_test": np.array(["a", "b", "b"] * 10)}
    with pytest.raises(UserError, match=rf"y_train holds '{gap}', a missing value, at sample 1; "):
        read(changes)
    changes["y_test"] = np.array(["a", gap, "b"] * 10)
    assert read(changes, target_kind="classes").target.size == 3


def test_frames_of_a_function_go_by_the_names_of_their_columns() -> None:
    x, x_test = np.arange(180.0).reshape(60, 3), np.arange(90.0).reshape(30, 3)
    frame, other = pd.DataFrame(x, columns=[*"abc"]), pd.DataFrame(x_test, columns=[*"abc"])
    source = read({"x_train": frame, "x_test": other[[*"cab"]]})
    assert source.x_test.tolist() == x_test.tolist()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["a", math.nan, "b"] * 20, "y_train holds nan among words, at 1"),
        (["a", np.float32("nan"), "b"] * 20, "y_train holds nan among words, at 1"),
        ([[b"a"], [b"b"], [math.nan]] * 20, "y_train holds nan among words, at 2"),
        ([np.ma.masked_array([1, 2], [0, 1])] * 60, "y_train has masked values"),
        (None, "y_train is an array of Python objects"),
        (np.array(["a", None, "b"] * 20, object), "y_train holds no value at sample 1"),
        (np.array(["a", "b", math.nan] * 20, object), "y_train holds no value at sample 2"),
        (np.array(["a", "b", "c"] * 20, object), r"y_train is an array of Python objects; make .*"),
    ],
)
def test_gaps_among_words_are_no_class(words: Any, sentence: str) -> None:
    (x_train, _), (x_test, _) = series(60), series(30, seed=1)
    given = {"x_train": x_train, "y_train": words, "x_test": x_test, "y_test": ["a", "b", "a"] * 10}
    with pytest.raises(UserError, match=sentence):
        from_arrays(given, "mine", settings(), {})


def test_words_of_a_type_that_may_have_gaps() -> None:
    (x_train, _), (x_test, _) = series(60), series(30, seed=1)
    kind = np.dtypes.StringDType(na_object=np.nan)
    given = {"x_train": x_train, "y_train": np.array(["a", "b", "c"] * 20, kind),
             "x_test": x_test, "y_test": np.array(["a", "b", "c"] * 10, kind)}  # fmt: skip
    assert from_arrays(given, "mine", settings(), {}).target.names == ("a", "b", "c")
    given["y_train"] = np.array(["a", "b", np.nan] * 20, kind)
    with pytest.raises(UserError, match="y_train holds no value at sample 2"):
        from_arrays(given, "mine", settings(), {})


def test_arrays_of_other_names_are_left_alone(tmp_path: Path) -> None:
    folds = np.arange(60) % 5
    path = write_arrays(tmp_path / "my.npz", cross_validation_fold=folds, validation_note=folds)
    assert load_arrays(configured(path)).x_validation is None


def test_a_file(tmp_path: Path) -> None:
    source = load_arrays(configured(write_arrays(tmp_path / "my.npz")))
    assert source.x_train.shape == (60, 12, 2)
    # As Keras hands MNIST out.
    gray = images(60, channels=1, size=28)[..., 0]
    file = write_arrays(tmp_path / "mnist.npz", x_train=gray, x_test=gray[:30])
    assert load_arrays(configured(file)).sample.shape == (1, 28, 28)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"needs data.path=my.npz"):
        load_arrays(configured(None))
    write_arrays(tmp_path / "mine.npz")
    with pytest.raises(UserError, match=r"mine.npx: nothing is there, did you mean .*/mine.npz\?"):
        load_arrays(configured(tmp_path / "mine.npx"))
    for name, content in {
        "empty.npz": b"",
        "text.npz": b"abc",
        "cut.npz": b"PK\x03\x04abc",
    }.items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "one.npy", np.zeros(3))
    for name in ("empty.npz", "text.npz", "cut.npz", "one.npy"):
        with pytest.raises(UserError, match=rf"{name} is no .npz file"):
            load_arrays(configured(tmp_path / name))
    damaged = bytearray(write_arrays(tmp_path / "damaged.npz").read_bytes())
    damaged[200:400] = bytes(200)
    (tmp_path / "damaged.npz").write_bytes(damaged)
    with pytest.raises(UserError, match=r"damaged.npz cannot be read as .npz: Bad CRC-32"):
        load_arrays(configured(tmp_path / "damaged.npz"))
    np.savez(tmp_path / "objects.npz", x_train=np.array([None, {}], dtype=object))
    named = write_arrays(tmp_path / "named.npz")
    with np.load(named) as file:
        np.savez(named, **file, columns=np.array(["a", None], dtype=object))
    assert len(load_arrays(configured(named)).x_train)  # what is not asked for is left alone
    with pytest.raises(
        UserError, match=r"objects.npz: x_train is an array of Python objects; make"
    ):
        load_arrays(configured(tmp_path / "objects.npz"))


def test_a_function(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_data_of_arrays.py").write_text(
        FUNCTION + "\n\ndef fails():\n    raise OSError('disk is gone')\n\n\n"
        "def other():\n    return [1, 2]\n\n\nnumber = 3\n\n\n"
        "def leaves():\n    raise SystemExit(3)\n\n\n"
        "class Stop(BaseException):\n    pass\n\n\ndef stops():\n    raise Stop\n"
    )
    (tmp_path / "my_script_of_arrays.py").write_text("import sys\n\nsys.exit(1)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))

    def load(function: str | None) -> Source:
        return load_function(FunctionConfig("function", 64, 0.2, function=function))

    assert load("my_data_of_arrays.load").sample.shape == (10, 2)
    for function, sentence in {
        None: "needs data.function=my_module.my_function",
        "my_data_of_arrays.fails": "data.function=my_data_of_arrays.fails failed: disk is gone",
        "my_data_of_arrays.other": "must return a mapping with x_train, .*, not list",
        "my_data_of_arrays.number": "names nothing callable",
        "no_such_module.load": "names nothing callable",
        "my_data_of_arrays.leaves": "leaves ended the program by exit: 3",
        "my_data_of_arrays.stops": "stops failed: Stop",
        "my_script_of_arrays.load": "Importing data.function=my_script_of_arrays.load failed",
    }.items():
        with pytest.raises(UserError, match=sentence):
            load(function)


@pytest.mark.parametrize("kind", [np.float32, np.int64, np.bool_])
def test_several_labels_at_once_are_no_regression(kind: type) -> None:
    marks = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 1]]).astype(kind)[Y]
    with pytest.raises(UserError, match=r"y_train has several labels at once.*target_kind=numbers"):
        read({"y_train": marks, "y_test": marks[:30]})
    if kind is np.float32:
        numbers = read({"y_train": marks, "y_test": marks[:30]}, target_kind="numbers")
        assert (numbers.target.kind, numbers.target.size) == ("numbers", 3)
