"""The settings of each data set with their defaults. Torch is not imported."""

import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from activation_search.config.limits import setting
from activation_search.errors import UserError

AUGMENTATIONS = ("none", "crop", "flip_crop")
SAMPLE_KINDS = ("auto", "vector", "series", "image")
TARGET_KINDS = ("auto", "classes", "numbers")
CHANNELS = ("auto", "first", "last")
BALANCED = "balanced"  # a word of class_weights

_SAMPLE_HELP = "what one sample is; auto takes it from the number of dimensions"
_TARGET_HELP = "auto takes whole numbers, words and one-hot rows for classes"
_CHANNELS_HELP = (
    "where images have their channels; auto takes the end whose length is 1, 3 or 4, if the other "
    "one's is not"
)


@dataclass
class DataConfig:
    """Settings that every data set has."""

    name: str
    batch_size: int = setting(64, low=1, high=1_000_000_000, help="samples per training batch")
    validation: float = setting(
        0.2,
        low=0,
        high=0.9,
        help="share of the training samples kept for validation; 0 validates nothing. A source "
        "with a validation part of its own uses that one for any share above 0",
    )
    reconstruct: bool = setting(
        False, help="the task is to reproduce the inputs, whatever the source asks for"
    )
    augment: str = setting(
        "none",
        choices=AUGMENTATIONS,
        help="crop shifts each training image by up to an eighth of its width, flip_crop also "
        "mirrors half of them",
    )
    class_weights: Any = setting(
        None,
        help="of the loss, for classes of unequal size: balanced for n / (k * n_c), of n training "
        "samples in k classes n_c in class c; or a list in the order of the classes, of which "
        "only the ratios count",
    )

    @property
    def option(self) -> str:
        """Its name as an option of ``data``."""
        return f"{self.name}_reconstruction" if self.reconstruct else self.name

    @property
    def label(self) -> str:
        """Short name of what is trained on, fit for a folder."""
        return self.option


def check_class_weights(given: Any) -> None:
    """Whether ``data.class_weights`` can be weights of any classes.

    Raises:
        UserError: they cannot.
    """
    if given in (None, BALANCED):
        return
    numbers = isinstance(given, list) and all(type(w) in (int, float) for w in given)
    if not numbers or not given or not all(0 < w <= sys.float_info.max for w in given):
        raise UserError(
            "data.class_weights must be balanced, or a list of numbers above 0 such as [1,10], "
            f"not {given!r}."
        )


@dataclass
class OwnConfig(DataConfig):
    """Data that may change under their name."""

    sha256: str | None = setting(
        None,
        help="first digits of the hash of what was read. A run fills it in, so that it differs "
        "from runs on other data; other data than those are refused",
    )

    @property
    def label(self) -> str:
        # The last part of a path without its ending, or of a function's import path its end.
        path, function = getattr(self, "path", None), getattr(self, "function", None)
        what = Path(path).stem if path else (function or "").rpartition(".")[2]
        plain = re.sub(r"[^\w.]+", "_", what)
        return f"{self.option}-{plain}" if plain else self.option


@dataclass
class ArraysConfig(OwnConfig):
    """An ``.npz`` file."""

    path: str | None = setting(None, help="the .npz file")
    sample: str = setting("auto", choices=SAMPLE_KINDS, help=_SAMPLE_HELP)
    target_kind: str = setting("auto", choices=TARGET_KINDS, help=_TARGET_HELP)
    channels: str = setting("auto", choices=CHANNELS, help=_CHANNELS_HELP)


@dataclass
class CSVConfig(OwnConfig):
    """A table in a text file, its first line the names of the columns; or in a Parquet file."""

    path: str | None = setting(None, help="the file: .csv, .tsv, .txt or .parquet")
    target: str | None = setting(None, help="the column to predict")
    target_kind: str = setting(
        "auto",
        choices=TARGET_KINDS,
        help="auto takes words for classes, and whole numbers if at most 20 different ones occur; "
        "codes such as 007 are words",
    )
    index: str = setting(
        "leave_out",
        choices=("leave_out", "keep"),
        help="columns that only count or name the rows are left out; keep uses them",
    )
    drop: list[str] = setting(factory=list, help="columns to leave out, such as [name, born]")
    categories: int = setting(
        20,
        low=1,
        high=10_000,
        help="a column of words becomes one input per word; at most so many words",
    )
    group: str | None = setting(
        None,
        help="a column such as patient, which is no input: rows that share its value stay together "
        "in training, validation or test",
    )
    stratify: bool = setting(
        True, help="training, validation and test have the same share of each class"
    )


@dataclass
class ImageFolderConfig(OwnConfig):
    """Images in one folder per class."""

    path: str | None = setting(
        None, help="the folder that holds them, or that holds train, test and perhaps validation"
    )
    size: int = setting(32, low=1, high=4096, help="height and width in pixels, to scale to")
    gray: bool = setting(False, help="one channel instead of three")
    background: str = setting(
        "white", help="colour behind transparent pixels: a name, or '#rrggbb'"
    )


@dataclass
class FunctionConfig(OwnConfig):
    """A Python function that returns what an ``.npz`` holds; it is called once per process."""

    function: str | None = setting(None, help="its import path, such as my_data.load")
    sample: str = setting("auto", choices=SAMPLE_KINDS, help=_SAMPLE_HELP)
    target_kind: str = setting("auto", choices=TARGET_KINDS, help=_TARGET_HELP)
    channels: str = setting("auto", choices=CHANNELS, help=_CHANNELS_HELP)


@dataclass
class TextConfig(OwnConfig):
    """Text, each next character of which is predicted."""

    batch_size: int = setting(32, low=1, high=1_000_000_000, help="samples per training batch")
    validation: float = setting(0.1, low=0, high=0.9, help="share at the end of the training text")
    path: str | None = setting(None, help="a text file; defaults to Python's standard library")
    context: int = setting(64, low=2, high=1_000_000, help="characters per sample")
    characters: int | None = setting(
        None,
        low=1000,
        high=1_000_000_000,
        help="read at most so many; defaults to all of a file, to a million of the library",
    )


@dataclass
class ShakespeareConfig(DataConfig):
    """The plays of Shakespeare's that minGPT reads."""

    batch_size: int = setting(32, low=1, high=1_000_000_000, help="samples per training batch")
    validation: float = setting(0.1, low=0, high=0.9, help="share at the end of the training text")
    context: int = setting(64, low=2, high=1_000_000, help="characters per sample")


# Data sets with settings of their own; all others have those of DataConfig.
DATA_CONFIGS: dict[str, type[DataConfig]] = {
    "arrays": ArraysConfig,
    "csv": CSVConfig,
    "image_folder": ImageFolderConfig,
    "function": FunctionConfig,
    "text": TextConfig,
    "tiny_shakespeare": ShakespeareConfig,
}
# Every option of ``data=`` with its defaults.
DATA_OPTIONS: dict[str, DataConfig] = {
    **{name: config(name) for name, config in DATA_CONFIGS.items()},
    "mnist1d": DataConfig("mnist1d", batch_size=100),
    "digits": DataConfig("digits"),
    "digits_reconstruction": DataConfig("digits", reconstruct=True),
    "breast_cancer": DataConfig("breast_cancer", batch_size=128),
    # All of the 283 rows at once; thirty epochs of more steps learn them by heart.
    "diabetes": DataConfig("diabetes", batch_size=300),
    "friedman1": DataConfig("friedman1"),
    "xor": DataConfig("xor"),
    "two_spirals": DataConfig("two_spirals"),
    **{
        name: DataConfig(name, batch_size=128, validation=0.1)
        for name in ("mnist", "fashion_mnist", "kmnist", "cifar10")
    },
}
