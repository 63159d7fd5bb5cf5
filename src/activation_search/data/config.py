"""The keys of each data set. Their values stand in ``conf/data/*.yaml``; torch is not imported."""

import re
from dataclasses import dataclass
from pathlib import Path

from activation_search.settings import setting

AUGMENTATIONS = ("none", "crop", "flip_crop")
SAMPLE_KINDS = ("auto", "vector", "series", "image")
TARGET_KINDS = ("auto", "classes", "numbers")
CHANNELS = ("auto", "first", "last")


@dataclass
class DataConfig:
    """Keys that every data set has.

    name: of the source.
    batch_size: of training.
    validation: share of the training samples kept out for validation; 0 trains on all and validates
        nothing. A source with a validation part of its own uses that one for any share above 0.
    reconstruct: the task is to give the inputs back, whatever the source asks.
    augment: of training images: ``crop`` shifts each by up to an eighth of its width, ``flip_crop``
        also mirrors half of them.
    """

    name: str
    batch_size: int = setting(low=1, high=1_000_000_000)
    validation: float = setting(low=0, high=0.9)
    reconstruct: bool = False
    augment: str = setting("none", choices=AUGMENTATIONS)

    @property
    def option(self) -> str:
        """Its name as an option of ``data``."""
        return f"{self.name}_reconstruction" if self.reconstruct else self.name

    @property
    def label(self) -> str:
        """Short name of what is trained on, fit for a folder."""
        return self.option


@dataclass
class OwnConfig(DataConfig):
    """Data that may change under their name.

    sha256: first digits of the hash of what was read. A run fills it in, so that it is told from
        runs on other data; given, other data are refused.
    """

    sha256: str | None = None

    @property
    def label(self) -> str:
        # The last part of a path without its ending, or of a function's import path its end.
        path, function = getattr(self, "path", None), getattr(self, "function", None)
        what = Path(path).stem if path else (function or "").rpartition(".")[2]
        plain = re.sub(r"[^\w.]+", "_", what)
        return f"{self.option}-{plain}" if plain else self.option


@dataclass
class ArraysConfig(OwnConfig):
    """An ``.npz`` file.

    path: of the file. sample: what one sample is; ``auto`` takes it from the number of dimensions.
    target_kind: what is asked; ``auto`` takes whole numbers, words and one-hot rows for classes.
    channels: where images [N, a, b, c] have their channels; ``auto`` takes the end whose length is
        1, 3 or 4, if the other one's is not.
    """

    path: str | None = None
    sample: str = setting("auto", choices=SAMPLE_KINDS)
    target_kind: str = setting("auto", choices=TARGET_KINDS)
    channels: str = setting("auto", choices=CHANNELS)


@dataclass
class CSVConfig(OwnConfig):
    """A table in a text file, its first line the names of the columns.

    path: of the file. target: the column that is asked for. target_kind: what is asked; ``auto``
        takes words for classes, and whole numbers if there are few different ones (at most 20).
        Codes such as 007 are words.
    index: columns that only count or name the rows are left out as inputs; ``keep`` uses them.
    """

    path: str | None = None
    target: str | None = None
    target_kind: str = setting("auto", choices=TARGET_KINDS)
    index: str = setting("leave_out", choices=("leave_out", "keep"))


@dataclass
class ImageFolderConfig(OwnConfig):
    """Images in one folder per class.

    path: of the folder that holds them, or that holds ``train``, ``test`` and perhaps
        ``validation`` with them.
    size: height and width that images are scaled to, in pixels. gray: one channel instead of three.
    background: what shows through transparent places: a colour's name, or ``'#rrggbb'``.
    """

    path: str | None = None
    size: int = setting(32, low=1, high=4096)
    gray: bool = False
    background: str = "white"


@dataclass
class FunctionConfig(OwnConfig):
    """A Python function of the user's, ``module.function``, that returns what an ``.npz`` holds.

    It is called once per process. sample, target_kind, channels: see :class:`ArraysConfig`.
    """

    function: str | None = None
    sample: str = setting("auto", choices=SAMPLE_KINDS)
    target_kind: str = setting("auto", choices=TARGET_KINDS)
    channels: str = setting("auto", choices=CHANNELS)


@dataclass
class TextConfig(OwnConfig):
    """Text, of which each next character is asked.

    path: of a text file; none for Python's standard library. context: characters per sample.
    characters: read at most so many; none for all of a file, and a million of the library.
    """

    path: str | None = None
    context: int = setting(64, low=2, high=1_000_000)
    characters: int | None = setting(None, low=1000, high=1_000_000_000)


@dataclass
class ShakespeareConfig(DataConfig):
    """context: characters per sample."""

    context: int = setting(64, low=2, high=1_000_000)


# Data sets with keys of their own; all others have those of DataConfig.
DATA_CONFIGS: dict[str, type[DataConfig]] = {
    "arrays": ArraysConfig,
    "csv": CSVConfig,
    "image_folder": ImageFolderConfig,
    "function": FunctionConfig,
    "text": TextConfig,
    "tiny_shakespeare": ShakespeareConfig,
}
