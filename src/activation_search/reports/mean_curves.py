"""One TensorBoard run per activation: the mean of its runs' curves and a band of one SD.

tensorboard --logdir logs/compare/cnn-mnist1d/mean
"""

import math
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.tensorboard import SummaryWriter

from activation_search.diagnostics.confusion import draw_confusion
from activation_search.diagnostics.tensorboard import write_scalars
from activation_search.evidence.results import Evidence
from activation_search.reports.comparison_table import sorted_labels
from activation_search.reports.learning_curves import distinct
from activation_search.training.result import FINISHED, RunResult, read_result

MEAN_FOLDER = "mean"
MOST_RUNS = 20  # of the best; more lines than that cannot be told apart
LONGEST_NAME = 80  # characters of a folder


@dataclass(frozen=True)
class MeanCurve:
    """A quantity over training.

    Attributes:
        steps: at the ends of the epochs.
        mean: over runs, per epoch.
        spread: standard deviation over runs, 0 for a single one.
    """

    steps: list[int]
    mean: list[float]
    spread: list[float]


def mean_curve(curves: Sequence[Sequence[Mapping[str, float]]], name: str) -> MeanCurve:
    """The mean over runs, as far as the shortest curve goes and all values are finite.

    Args:
        curves: of each run, one mapping per epoch.
        name: such as ``val_loss``.
    """
    steps, table = [], []
    for rows in zip(*curves, strict=False):
        values = [row.get(name, math.nan) for row in rows]
        if not all(map(math.isfinite, values)):
            break
        steps.append(int(rows[0]["step"]))
        table.append(values)
    found = np.array(table).reshape(len(steps), len(curves))
    spread = found.std(1, ddof=1) if len(curves) > 1 else np.zeros(len(steps))
    return MeanCurve(steps, found.mean(1).tolist(), spread.tolist())


def write_mean_curves(
    folder: Path, study: Mapping[str, Any] | None, evidence: Evidence | None
) -> None:
    """Into ``<folder>/mean/<label>``, in place of those of before; of a confirmation into
    ``mean/confirmed``, of several blocks into a folder for each.

    Args:
        folder: of a study or comparison.
        study: its ``leaderboard.json``.
        evidence: what was compared.
    """
    target = folder / MEAN_FOLDER
    shutil.rmtree(target, ignore_errors=True)
    if study is not None:
        write_group_means(target, study["metric"], _study_groups(study))
        target = target / "confirmed"
    blocks = evidence.blocks if evidence else []
    for block in blocks:
        several = block.file_name if len(blocks) > 1 else ""
        groups = {label: block.arms[label].directories for label in sorted_labels(block)}
        write_group_means(target / several, block.metric, groups)


def _study_groups(study: Mapping[str, Any]) -> dict[str, Sequence[str]]:
    """Label -> directories of each finished row."""
    ranked = enumerate(study["rows"], start=1)
    finished = {rank: row for rank, row in ranked if row["status"] == FINISHED}
    labels = distinct({rank: row["label"] for rank, row in finished.items()})
    return {labels[rank]: row["directories"] for rank, row in finished.items()}


def write_group_means(target: Path, metric: str, groups: Mapping[str, Sequence[str]]) -> None:
    """Writes a run per group.

    Args:
        target: folder of these runs.
        metric: that the groups' runs are judged by.
        groups: label -> directories of its runs, the best first. Runs that cannot be read, did not
            finish, or wrote nothing for TensorBoard are left out.
    """
    names = list(dict.fromkeys(["train_loss", "val_loss", f"val_{metric}"]))
    for number, (label, directories) in enumerate(list(groups.items())[:MOST_RUNS], start=1):
        results = [r for r in map(_read, directories) if r]
        if results:
            own = re.sub(r"[^\w.,=()+-]+", "_", label)
            # The end of a long name may be all that tells it from another.
            fits = len(own) <= LONGEST_NAME and not (target / own).exists()
            _write(target / (own if fits else f"{number}-{own[:LONGEST_NAME]}"), names, results)


def _read(directory: str) -> RunResult | None:
    try:
        result = read_result(Path(directory))
    except (OSError, ValueError):
        return None  # on another machine, tidied away, or damaged
    logged = result.parsed_config().tensorboard.enabled
    return result if result.status == FINISHED and logged else None


def _write(directory: Path, names: Sequence[str], results: Sequence[RunResult]) -> None:
    writer = SummaryWriter(str(directory))
    charts = {}
    for name in names:
        split, _, quantity = name.partition("_")
        found = mean_curve([result.curve for result in results], name)
        tag = f"{quantity}/{split}"  # that of the runs themselves, so that they share a chart
        tags = [tag, f"minus_sd/{quantity}_{split}", f"plus_sd/{quantity}_{split}"]
        for step, mean, spread in zip(found.steps, found.mean, found.spread, strict=True):
            values = (mean, mean - spread, mean + spread)
            write_scalars(writer, dict(zip(tags, values, strict=True)), step)
        if found.steps:
            charts[f"{quantity}, {split}: mean and one SD"] = ["Margin", tags]
    writer.add_custom_scalars({"mean over runs": charts})
    _write_confusion(writer, results)
    writer.close()


def _write_confusion(writer: SummaryWriter, results: Sequence[RunResult]) -> None:
    """The confusion matrix of all runs together."""
    found = [result.confusion for result in results]
    if not all(found):
        return
    counts = np.sum([each["counts"] for each in found], axis=0)
    split = found[0]["split"]
    title = f"{split}, {len(found)} runs"
    figure = draw_confusion(counts.tolist(), found[0]["names"], title)
    writer.add_figure(f"confusion/{split}", figure, results[0].steps)
