"""From the targets in a user's file to what is asked about a sample."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from activation_search.data.floats import to_floats
from activation_search.data.numerals import MISSING
from activation_search.data.sample import Target
from activation_search.errors import UserError

OBJECTS_TO_TYPES = "make it words by .astype(str), or numbers by .astype(float)"


@dataclass(frozen=True)
class Labels:
    """The targets of one part. where: what errors name. samples: how many inputs there are."""

    where: str
    values: np.ndarray
    samples: int


def read_targets(
    parts: Mapping[str, Labels], target_kind: str
) -> tuple[Target, dict[str, np.ndarray]]:
    """What is asked, and the targets of each part as :class:`Target` describes them.

    Classes are told apart by their exact values, whatever type holds them, and named by them.
    Numbers are float64.

    Args:
        parts: ``train``, ``test`` and perhaps ``validation``.
        target_kind: ``classes`` (any whole numbers or words), ``numbers``, or ``auto``: words, and
            whole numbers from 0 to K - 1, are classes.

    Raises:
        UserError: another number of targets than samples, values that are not finite, whole numbers
            that could be either, or a class that one part lacks.
    """
    values = {part: _checked(labels) for part, labels in parts.items()}
    train = values["train"]
    words = train.dtype.kind == "U"
    for part, v in values.items():
        if (v.dtype.kind == "U") != words:
            kinds = ("words", "numbers") if words else ("numbers", "words")
            raise UserError(f"{parts[part].where} holds {kinds[1]}, that for training {kinds[0]}.")
    if words and target_kind != "classes":
        for part, v in values.items():
            _check_words(parts[part].where, v)
    if target_kind == "numbers" and words:
        raise UserError(f"{parts['train'].where} holds words ({train.flat[0]}), not numbers.")
    if target_kind == "classes" or (target_kind == "auto" and train.dtype.kind in "Uiub"):
        return _classes(parts, values, target_kind)
    return _numbers(parts, values)


def _check_words(where: str, words: np.ndarray) -> None:
    """Refuses what programs make of a missing value, as in a table."""
    for at in np.argwhere(np.isin(np.char.lower(words), [*MISSING, ""]))[:1]:
        raise UserError(
            f"{where} holds {str(words[tuple(at)])!r}, a missing value, at sample {at[0]}; leave "
            "the sample out, or fill it; data.target_kind=classes takes it for a class."
        )


def from_one_hot(parts: Mapping[str, Labels]) -> dict[str, Labels] | None:
    """Targets that were one-hot, as the places of their ones; ``None`` where they are not.

    One-hot are two columns or more, each row a single 1 and else 0.

    Raises:
        UserError: those for training are, those of another part are not; or rows have several ones.
    """
    train = parts["train"]
    if not _is_one_hot(train.values):
        if _is_zeros_and_ones(train.values):
            raise UserError(
                f"{train.where} has several labels at once, a 0 or 1 for each, which is no task "
                "here: train on one column at a time, or predict numbers by "
                "data.target_kind=numbers."
            )
        return None
    classes = parts["train"].values.shape[1]
    for labels in parts.values():
        if not _is_one_hot(labels.values) or labels.values.shape[1] != classes:
            raise UserError(
                f"{labels.where} is not one-hot with {classes} columns, as that for training is; "
                "make both so, or predict numbers by data.target_kind=numbers."
            )
    return {part: replace(labels, values=labels.values.argmax(1)) for part, labels in parts.items()}


def _is_zeros_and_ones(values: np.ndarray) -> bool:
    """Whether it is a matrix of two columns or more, and of nothing else."""
    if values.dtype.kind not in "fiub" or values.ndim != 2 or values.shape[1] < 2:
        return False
    return bool(len(values) and ((values == 1) | (values == 0)).all())


def _is_one_hot(values: np.ndarray) -> bool:
    return _is_zeros_and_ones(values) and bool((values.sum(1) == 1).all())


def _numbers(
    parts: Mapping[str, Labels], values: Mapping[str, np.ndarray]
) -> tuple[Target, dict[str, np.ndarray]]:
    wide = {
        part: to_floats(parts[part].where, v.reshape(len(v), -1), np.float64)
        for part, v in values.items()
    }
    train = wide["train"]
    for part, v in wide.items():
        if v.shape[1] != train.shape[1]:
            raise UserError(
                f"{parts[part].where} holds {v.shape[1]} numbers per sample, those for "
                f"training {train.shape[1]}."
            )
    if (train == train[0]).all():
        raise UserError(f"{parts['train'].where} is {float(train.flat[0])} everywhere.")
    return Target("numbers", train.shape[1]), wide


def _checked(labels: Labels) -> np.ndarray:
    values = labels.values
    if values.dtype.kind == "S":
        try:
            values = np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise UserError(f"{labels.where} holds bytes that are not UTF-8: {error}.") from error
    if values.dtype == np.longdouble:
        with np.errstate(over="ignore"):  # what overflows is refused below as infinite
            values = values.astype(np.float64)
    if values.ndim and values.dtype.kind in "OT" and (gaps := pd.isna(values.astype(object))).any():
        at = np.argwhere(gaps)[0]
        raise UserError(
            f"{labels.where} holds no value at sample {at[0]}; leave it out, or fill it."
        )
    if values.dtype.kind == "T":
        values = values.astype(object).astype(np.str_)
    if values.dtype.kind == "O":
        raise UserError(f"{labels.where} is an array of Python objects; {OBJECTS_TO_TYPES}.")
    if values.dtype.kind not in "fiubU":
        raise UserError(f"{labels.where} holds values of type {values.dtype}.")
    if len(values.shape) == 0 or len(values) != labels.samples:
        count = "one value" if len(values.shape) == 0 else f"{len(values)} targets"
        raise UserError(f"{labels.where} holds {count} for {labels.samples} samples.")
    if values.size == 0:
        raise UserError(f"{labels.where} is empty, of shape {list(values.shape)}.")
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        at = np.argwhere(~np.isfinite(values))[0]
        raise UserError(f"{labels.where} holds {values[tuple(at)]} at sample {at[0]}.")
    return values[:, 0] if values.ndim == 2 and values.shape[1] == 1 else values


def _classes(
    parts: Mapping[str, Labels], values: Mapping[str, np.ndarray], target_kind: str
) -> tuple[Target, dict[str, np.ndarray]]:
    for part, v in values.items():
        if v.ndim > 1:
            raise UserError(f"{parts[part].where} has shape {list(v.shape)}; labels need one each.")
        if v.dtype.kind == "f" and (v != v.round()).any():
            raise UserError(
                f"{parts[part].where} holds {v[v != v.round()][0]}, which is no label; "
                "for numbers set data.target_kind=numbers."
            )
    # Values of Python: an int equals a float of another part exactly, where numpy would round it.
    found = {}
    for part, v in values.items():
        unique, places = np.unique(v, return_inverse=True)
        found[part] = unique.tolist(), places
    known = found["train"][0]
    words = values["train"].dtype.kind == "U"
    if len(known) < 2:
        raise UserError(f"{parts['train'].where} holds one class only, {_name(known[0])}.")
    if not words and target_kind == "auto":
        _check_gaps(parts["train"].where, known)
    number = {k: i for i, k in enumerate(known)}
    read = {}
    for part, (unique, places) in found.items():
        if strange := [k for k in unique if k not in number]:
            raise UserError(
                f"{parts[part].where} holds {_name(strange[0])}, a class not trained on."
            )
        if len(unique) < len(known):
            missing = next(k for k in known if k not in set(unique))
            raise UserError(f"{parts[part].where} lacks class {_name(missing)}.")
        read[part] = np.array([number[k] for k in unique], np.int64)[places]
    names = () if known == list(range(len(known))) else tuple(_name(k) for k in known)
    return Target.among(len(known), names), read


def _name(value: str | float) -> str:
    """A word as it is, a whole number with all of its digits."""
    return value if isinstance(value, str) else str(int(value))


def _check_gaps(where: str, known: Sequence[float]) -> None:
    if known == list(range(len(known))):
        return
    shown = ", ".join(_name(k) for k in known[:8]) + (", …" if len(known) > 8 else "")
    raise UserError(
        f"{where} holds the whole numbers {shown}; labels go from 0 to K - 1 without a gap. Set "
        "data.target_kind=classes to take these for classes, or numbers to predict them."
    )
