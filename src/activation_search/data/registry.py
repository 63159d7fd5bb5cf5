"""All data sets by name: read, split, standardised."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from activation_search.config.data import DATA_CONFIGS, DataConfig, OwnConfig
from activation_search.data.files import state
from activation_search.data.sources import (
    arrays,
    csv_table,
    digits,
    image_folder,
    image_sets,
    mnist1d,
    tables,
    text,
    toys,
)
from activation_search.data.splits import Source, Splits, split
from activation_search.errors import UserError, unknown
from activation_search.user_code import own_callable


@dataclass(frozen=True)
class Registered:
    """A data set by its name.

    load: reads it. sample, target: their kinds; ``None`` where the user's data decide.
    configured: ``load`` takes the data set's keys.
    fetched: it comes from the net.
    """

    load: Callable[..., Source]
    sample: str | None
    target: str | None
    configured: bool = False
    fetched: bool = False


HASH_DIGITS = 16

SOURCES: dict[str, Registered] = {
    "mnist1d": Registered(mnist1d.load, "series", "classes"),
    "digits": Registered(digits.load, "image", "classes"),
    "breast_cancer": Registered(tables.breast_cancer, "vector", "binary"),
    "diabetes": Registered(tables.diabetes, "vector", "numbers"),
    "friedman1": Registered(tables.friedman1, "vector", "numbers"),
    "xor": Registered(toys.xor, "vector", "binary"),
    "two_spirals": Registered(toys.two_spirals, "vector", "binary"),
    "text": Registered(text.load, "tokens", "next", configured=True),
    "arrays": Registered(arrays.load_arrays, None, None, configured=True),
    "csv": Registered(csv_table.load, "vector", None, configured=True),
    "image_folder": Registered(image_folder.load, "image", "classes", configured=True),
    "function": Registered(arrays.load_function, None, None, configured=True),
    **{
        name: Registered(partial(image_sets.mnist_like, name), "image", "classes", fetched=True)
        for name in image_sets.MNIST_LIKE
    },
    "cifar10": Registered(image_sets.cifar10, "image", "classes", fetched=True),
    "tiny_shakespeare": Registered(
        text.tiny_shakespeare, "tokens", "next", configured=True, fetched=True
    ),
}


def pinned(data: DataConfig) -> DataConfig:
    """The settings with the hash of what they name; see :class:`OwnConfig`.

    Raises:
        UserError: see :func:`load_source`.
    """
    if not isinstance(data, OwnConfig):
        return data
    return replace(data, sha256=load_source(data).origin["sha256"][:HASH_DIGITS])


def load_splits(data: DataConfig, seed: int) -> Splits:
    """The data set, split by the seed and standardised; see :func:`split`.

    Raises:
        UserError: there is no such data set, or see :func:`load_source`.
    """
    source = load_source(data)
    if data.augment != "none" and source.sample.kind != "image":
        raise UserError(
            f"data.augment={data.augment} is for images; data={data.name} has samples of kind "
            f"{source.sample.kind}."
        )
    if data.augment != "none" and data.reconstruct:
        raise UserError("data.augment changes images, which data.reconstruct=true asks for as is.")
    return split(source, data.validation, seed)


def load_source(data: DataConfig) -> Source:
    """The data set as it comes, read once per process: the trials of a study all use it.

    A file or folder that has changed since is read anew; a function is called once.

    Raises:
        UserError: there is no such data set, its file is not as it should be, or it is another one
            than ``data.sha256`` says.
    """
    if data.name not in SOURCES:
        raise unknown("data.name", data.name, SOURCES)
    # What batches are made of makes no other source.
    plain = replace(data, batch_size=1, validation=0.0, augment="none", class_weights=None)
    keys = vars(plain)
    expected = keys.pop("sha256", None)
    source = _cached(keys)
    if expected and not source.origin["sha256"].startswith(expected):
        raise UserError(
            f"data={data.name} is not what it was: data.sha256={expected}, but what is read now "
            f"has {source.origin['sha256'][:HASH_DIGITS]}."
        )
    return source


# Settings -> the state of what they name when it was read, and what was read.
_read: dict[str, tuple[object, Source]] = {}


def _cached(keys: Mapping[str, Any]) -> Source:
    named = str(keys)  # some are lists
    path, function = keys.get("path"), keys.get("function")
    # Before it is read, so that a change while it is read is seen the next time. Of a function
    # itself, since a notebook may define another one of its name.
    now: object = own_callable("data.function", function) if function else ()
    if path:
        now = state(path)
    held = _read.get(named)
    if held is not None and held[0] == now:
        return held[1]
    _read.pop(named, None)  # before its successor is read: both may be large
    source = _load(**keys)
    if now is not None:
        _read[named] = now, source
    return source


def _load(name: str, **keys: Any) -> Source:
    data = DATA_CONFIGS.get(name, DataConfig)(name, **keys)
    registered = SOURCES[data.name]
    source = registered.load(data) if registered.configured else registered.load()
    if isinstance(data, OwnConfig):
        source = replace(source, origin={**source.origin, "sha256": source.hash()})
    return source.to_reconstruct() if data.reconstruct else source
