"""From the targets in a user's file to what is asked about a sample."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from activation_search.data.sample import Target
from activation_search.errors import UserError


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
    if target_kind == "numbers" and words:
        raise UserError(f"{parts['train'].where} holds words ({train.flat[0]}), not numbers.")
    if target_kind == "classes" or (target_kind == "auto" and train.dtype.kind in "Uiub"):
        return _classes(parts, values, target_kind)
    return _numbers(parts, values)


def _numbers(
    parts: Mapping[str, Labels], values: Mapping[str, np.ndarray]
) -> tuple[Target, dict[str, np.ndarray]]:
    wide = {}
    for part, v in values.items():
        with np.errstate(over="ignore"):
            wide[part] = v.reshape(len(v), -1).astype(np.float32)
        if not np.isfinite(wide[part]).all():
            found = v.reshape(len(v), -1)[~np.isfinite(wide[part])][0]
            raise UserError(f"{parts[part].where} holds {found:g}, too large for float32.")
        if wide[part].shape[1] != wide["train"].shape[1]:
            raise UserError(
                f"{parts[part].where} holds {wide[part].shape[1]} numbers per sample, those for "
                f"training {wide['train'].shape[1]}."
            )
    if (wide["train"] == wide["train"][0]).all():
        raise UserError(f"{parts['train'].where} is {wide['train'].flat[0]:g} everywhere.")
    return Target("numbers", wide["train"].shape[1]), wide


def _checked(labels: Labels) -> np.ndarray:
    values = labels.values
    if values.dtype.kind == "S":
        values = np.char.decode(values, "utf-8", "replace")
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
                f"{parts[part].where} holds {v[v != v.round()][0]:g}, which is no label; "
                "for numbers set data.target_kind=numbers."
            )
    train = values["train"]
    known = np.unique(train)
    words = train.dtype.kind == "U"
    if len(known) < 2:
        raise UserError(f"{parts['train'].where} holds one class only, {known[0]}.")
    if not words and target_kind == "auto":
        _check_gaps(parts["train"].where, known)
    for part, v in values.items():
        found = np.unique(v)
        if strange := [k for k in found if k not in known]:
            raise UserError(f"{parts[part].where} holds {strange[0]}, a class not trained on.")
        if missing := [k for k in known if k not in found]:
            raise UserError(f"{parts[part].where} lacks class {missing[0]}.")
    counted = not words and (known == np.arange(len(known))).all()
    names = () if counted else tuple(str(k) if words else f"{k:g}" for k in known)
    return Target.among(len(known), names), {
        part: np.searchsorted(known, v).astype(np.int64) for part, v in values.items()
    }


def _check_gaps(where: str, known: np.ndarray) -> None:
    expected = np.arange(len(known))
    if (known == expected).all():
        return
    shown = ", ".join(f"{k:g}" for k in known[:8]) + (", …" if len(known) > 8 else "")
    raise UserError(
        f"{where} holds the whole numbers {shown}; labels go from 0 to K - 1 without a gap. Set "
        "data.target_kind=classes to take these for classes, or numbers to predict them."
    )
