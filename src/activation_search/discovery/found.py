"""What a search for formulas found."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING

from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_latex, to_torch
from activation_search.discovery.evolution import Counts
from activation_search.discovery.relatives import nearest
from activation_search.evidence.results import Evidence
from activation_search.training.result import FINISHED

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Formula:
    """A formula that was tried.

    Attributes:
        text: as ``activation.expr`` takes it.
        arm: ``evolution`` or ``random``.
        number: in the order of asking, within its arm.
        parents: numbers of those that it was made from. origin: how it was made from them.
        length: signs, numbers and names.
        loss: on the validation split, at the end of the one run in which it was tried, or where
            that was stopped; ``None`` if it diverged or failed.
        status: ``finished``, ``pruned``, ``diverged`` or ``failed``.
    """

    text: str
    arm: str
    number: int
    parents: tuple[int, ...]
    origin: str
    length: int
    loss: float | None
    status: str


@dataclass
class Finalist:
    """A formula, or a function of the catalogue, on further seeds.

    Attributes:
        label: the formula's text, or the function's name.
        losses, metrics: on the validation split, per seed; infinite and NaN where it diverged.
        constants: learned ones, the mean over runs, sites and channels.
        command: that trains it on these seeds, and after the comparison as there.
        confirmed: its metric on the validation split in the comparison, if it was in it.
    """

    label: str
    losses: list[float]
    metrics: list[float]
    hand_made: bool = False
    constants: dict[str, float] = field(default_factory=dict)
    command: str = ""
    confirmed: float | None = None

    @property
    def loss(self) -> float:
        return statistics.fmean(self.losses)

    @property
    def metric(self) -> float:
        return statistics.fmean(self.metrics)

    def description(self) -> dict[str, str]:
        """A formula for other code bases: text, LaTeX, a line of torch, and its relative."""
        expression = parse(self.label)
        values = {name: float(f"{value:.4g}") for name, value in self.constants.items()}
        return {
            "formula": self.label,
            "LaTeX": to_latex(expression),
            "torch": to_torch(expression, values),
            "close to": str(nearest(expression, self.constants)),
        }


@dataclass
class Discovery:
    """A search for formulas and what came of it.

    Attributes:
        folder: where everything of it lies.
        metric: that comparisons judge by.
        formulas: all that were tried, in the order in which they ended.
        counts: arm -> what was drawn for them by this command.
        finalists: formulas and hand-made functions on further seeds, the smallest loss first.
        evidence: the comparison of the best of both; ``None`` while formulas are left.
        left: formulas that are still to be tried.
        notes: why an arm ended before its budget.
    """

    folder: Path
    metric: str
    formulas: list[Formula]
    counts: Mapping[str, Counts]
    finalists: list[Finalist] = field(default_factory=list)
    evidence: Evidence | None = None
    left: int = 0
    notes: list[str] = field(default_factory=list)

    @property
    def finished(self) -> list[tuple[Formula, float]]:
        """Formulas whose training came to its end, with their loss."""
        return [(f, f.loss) for f in self.formulas if f.status == FINISHED and f.loss is not None]

    @property
    def best(self) -> Finalist | None:
        """The best formula by the validation split of the comparison; before that, by its loss."""
        formulas = [finalist for finalist in self.finalists if not finalist.hand_made]
        compared = [f for f in formulas if f.confirmed is not None]
        if compared and self.evidence:
            sign = 1 if self.evidence.blocks[0].mode == "max" else -1
            return max(compared, key=lambda f: sign * (f.confirmed or 0.0))
        return next(iter(formulas), None)

    @property
    def table(self) -> "DataFrame":
        """A row per formula that was tried, the smallest loss first."""
        import pandas as pd

        names = [item.name for item in fields(Formula)]
        frame = pd.DataFrame([vars(formula) for formula in self.formulas], columns=names)
        return frame.sort_values("loss", ignore_index=True)

    def progress(self, arm: str) -> list[float]:
        """The smallest loss so far, after each formula of an arm."""
        best, found = math.inf, []
        for formula in self.formulas:
            if formula.arm == arm:
                finished = formula.loss if formula.status == FINISHED else None
                best = min(best, math.inf if finished is None else finished)
                found.append(best)
        return found

    def front(self) -> list[tuple[Formula, float]]:
        """Of those, the ones with a smaller loss than all that are as short or shorter."""
        found: list[tuple[Formula, float]] = []
        for formula, loss in sorted(self.finished, key=lambda pair: (pair[0].length, pair[1])):
            if not found or loss < found[-1][1]:
                found.append((formula, loss))
        return found

    def ancestors(self, text: str) -> list[Formula]:
        """A formula and all that it comes from, the youngest first."""
        by_number = {f.number: f for f in self.formulas if f.arm == "evolution"}
        tree: dict[int, Formula] = {}
        coming = [f for f in by_number.values() if f.text == text]
        while coming:
            formula = coming.pop(0)
            if formula.number not in tree:
                tree[formula.number] = formula
                coming += [by_number[n] for n in formula.parents if n in by_number]
        return sorted(tree.values(), key=lambda f: -f.number)
