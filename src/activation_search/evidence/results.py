"""What a comparison found, as it is written and read back."""

import itertools
import json
import math
import re
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from activation_search.atomic import write_text
from activation_search.errors import UserError
from activation_search.evidence.statistics import Comparison, mean_ranks
from activation_search.notebook import as_html
from activation_search.search.pareto import front_marks
from activation_search.training.criterion import Criterion

if TYPE_CHECKING:
    from pandas import DataFrame

COMPARISON_FILE = "comparison.json"


@dataclass
class Arm:
    """All runs of one candidate.

    values: test metric per seed; validation: the same of the validation split. Both are null for a
    run that diverged. step_seconds: of training, mean. selection: the validation mean that a study
    chose it by, or ``None``. tuned: learning rate -> validation metric, where it was tuned.
    """

    values: list[float | None]
    validation: list[float | None]
    directories: list[str]
    parameters: int
    step_seconds: float
    lr: float
    assignment: dict[str, str]
    alarms: list[str] = field(default_factory=list)
    selection: float | None = None
    tuned: dict[str, float] = field(default_factory=dict)

    @property
    def at_end_of_grid(self) -> bool:
        """Whether the best learning rate was the smallest or largest one tried."""
        rates = sorted(float(rate) for rate in self.tuned)
        return len(rates) > 1 and self.lr in (rates[0], rates[-1])

    @property
    def diverged(self) -> int:
        """Number of runs that diverged."""
        return sum(value is None for value in self.values)


@dataclass
class Block:
    """One model on one data set.

    comparisons: candidate -> comparison with the baseline; those that diverged on a seed have none,
    and none has one where the baseline diverged. setting: what all runs share.
    """

    model: str
    data: str
    metric: str
    mode: str
    baseline: str
    seeds: list[int]
    arms: dict[str, Arm]
    comparisons: dict[str, Comparison] = field(default_factory=dict)
    setting: dict[str, Any] = field(default_factory=dict)

    @property
    def label(self) -> str:
        return f"{self.model} on {self.data}"

    @property
    def file_name(self) -> str:
        """What files of it are called; their folder is not left, whatever a file says."""
        return re.sub(r"[^\w.+-]+", "_", f"{self.model}-{self.data}")

    @property
    def criterion(self) -> Criterion:
        return Criterion(self.metric, self.mode)

    def contains(self, other: "Block") -> bool:
        """Whether it has all candidates and seeds of another one of the same setting; a candidate
        of a study or a file may be another one now under the same name."""
        own = {label: (arm.assignment, arm.lr) for label, arm in self.arms.items()}
        return (
            all(own.get(k) == (arm.assignment, arm.lr) for k, arm in other.arms.items())
            and set(other.seeds) <= set(self.seeds)
            and other.setting == json.loads(json.dumps(self.setting))
        )

    @property
    def fronts(self) -> dict[str, str]:
        """Candidate -> the costs for which no other one is both better and cheaper, see
        :func:`activation_search.search.pareto.front_marks`; without those that diverged."""
        arms = {label: arm for label, arm in self.arms.items() if not arm.diverged}
        marks = front_marks(
            [statistics.fmean(numbers(arm.values)) for arm in arms.values()],
            [arm.parameters for arm in arms.values()],
            [arm.step_seconds for arm in arms.values()],
            self.mode,
        )
        return dict(zip(arms, marks, strict=True))


@dataclass
class Evidence:
    """A whole comparison.

    ranks: candidate -> mean rank over blocks, for two blocks or more. command: that repeats it.
    trials: how many a study had when its best were confirmed; ``None`` for a comparison by itself.
    """

    blocks: list[Block]
    ranks: dict[str, float]
    command: str
    versions: dict[str, str]
    trials: int | None = None

    @property
    def table(self) -> "DataFrame":
        """One row per candidate and block; differences are from the block's baseline."""
        import pandas as pd

        rows = []
        for block in self.blocks:
            fronts = block.fronts
            for label, arm in block.arms.items():
                values = [value for value in arm.values if value is not None]
                compared = block.comparisons.get(label)
                rows.append(
                    {
                        "model": block.model,
                        "data": block.data,
                        "candidate": label,
                        "mean": statistics.fmean(values) if values else math.nan,
                        "sd": statistics.stdev(values) if len(values) > 1 else math.nan,
                        "difference": compared.difference if compared else math.nan,
                        "low": compared.low if compared else math.nan,
                        "high": compared.high if compared else math.nan,
                        "p_holm": compared.p_holm if compared else math.nan,
                        "parameters": arm.parameters,
                        "ms_per_step": 1000 * arm.step_seconds,
                        "front": fronts.get(label, ""),
                        "verdict": compared.verdict if compared else "",
                    }
                )
        return pd.DataFrame(rows)

    def _repr_html_(self) -> str:
        return as_html(self)

    def write(self, folder: Path) -> Path:
        """As JSON, whole or not at all. An earlier comparison of something else is kept, with its
        reports and pictures, under the time of its writing."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / COMPARISON_FILE
        if not self.keeps_earlier(folder):
            parts = [*folder.glob("report.*"), *folder.glob("figures"), path]
            time = datetime.fromtimestamp(path.stat().st_mtime).strftime("%Y%m%d-%H%M%S")
            stamps = itertools.chain([time], (f"{time}-{n}" for n in itertools.count(2)))
            # The first that is free: somebody may have put an earlier comparison back.
            stamp = next(s for s in stamps if not any(_kept(part, s).exists() for part in parts))
            for earlier in parts[:-1]:
                earlier.rename(_kept(earlier, stamp))
            for report in folder.glob(f"report-{stamp}.md"):  # the other one holds its pictures
                text = report.read_text(encoding="utf-8")
                write_text(report, text.replace("](figures/", f"](figures-{stamp}/"))
            path.rename(_kept(path, stamp))  # last: after a kill, once more
        write_text(path, json.dumps(asdict(self), indent=1, allow_nan=False) + "\n")
        return path

    def keeps_earlier(self, folder: Path) -> bool:
        """Whether all that is compared there already is in this one."""
        if not (folder / COMPARISON_FILE).exists():
            return True
        try:
            earlier = read_evidence(folder).blocks
        except UserError:
            return False  # damaged or foreign: kept as well
        own = {block.label: block for block in self.blocks}
        return all(block.label in own and own[block.label].contains(block) for block in earlier)


def _kept(path: Path, stamp: str) -> Path:
    """What a file or folder of an earlier comparison is called."""
    return path.with_stem(f"{path.stem}-{stamp}")


def read_evidence(folder: Path) -> Evidence:
    """What :meth:`Evidence.write` wrote.

    Raises:
        UserError: there is none, or it is damaged.
    """
    path = folder / COMPARISON_FILE
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
        if not plain["blocks"]:
            raise ValueError("it compares nothing")
        plain["blocks"] = [_block(block) for block in plain["blocks"]]
        return Evidence(**plain)
    except OSError as error:
        raise UserError(f"Cannot read {path}: {error.strerror}.") from error
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{path} is no comparison of this program, or is damaged; move it away."
        ) from error


def _block(plain: dict[str, Any]) -> Block:
    plain["arms"] = {label: Arm(**arm) for label, arm in plain["arms"].items()}
    plain["comparisons"] = {n: Comparison(**c) for n, c in plain["comparisons"].items()}
    return Block(**plain)


def rank_blocks(blocks: Sequence[Block]) -> dict[str, float]:
    """Candidate -> mean rank over blocks; one that diverged ranks last in that block."""

    def height(block: Block, label: str) -> float:
        """The higher the better, whatever the block is judged by."""
        arm = block.arms[label]
        if arm.diverged:
            return -math.inf
        mean = statistics.fmean(numbers(arm.values))
        return mean if block.mode == "max" else -mean

    labels = blocks[0].arms
    return mean_ranks({label: [height(b, label) for b in blocks] for label in labels}, "max")


def numbers(values: Sequence[float | None]) -> list[float]:
    """Those of runs that did not diverge."""
    return [value for value in values if value is not None]
