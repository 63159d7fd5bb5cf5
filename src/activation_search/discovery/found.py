"""What a search for formulas found."""

import itertools
import json
import math
import statistics
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from activation_search.activations.formula.parse import parse
from activation_search.activations.formula.writing import to_latex, to_torch
from activation_search.atomic import write_text
from activation_search.discovery.evolution import EVOLUTION, RANDOM, Counts
from activation_search.discovery.relatives import nearest
from activation_search.evidence.results import Evidence
from activation_search.evidence.statistics import Comparison, compare
from activation_search.notebook import as_html
from activation_search.training.result import FINISHED

if TYPE_CHECKING:
    from pandas import DataFrame


DISCOVERY_FILE = "discovery.json"


@dataclass(frozen=True)
class Formula:
    """A formula that was tried.

    Attributes:
        text: as ``activation.expr`` takes it.
        arm: ``evolution`` or ``random``.
        repetition: of the search in which it was tried.
        number: in the order of asking, within its arm and repetition.
        parents: numbers of those that it was made from. origin: how it was made from them.
        length: signs, numbers and names.
        loss: on the validation split, at the end of the one run in which it was tried, or where
            that was stopped; ``None`` if it diverged or failed.
        status: ``finished``, ``pruned``, ``diverged`` or ``failed``.
    """

    text: str
    arm: str
    repetition: int
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
        lr: the learning rate of these runs.
        constants: learned ones, the mean over runs, sites and channels.
        command: that trains it on these seeds, and after the comparison as there.
        confirmed: its metric on the validation split in the comparison, if it was in it.
    """

    label: str
    losses: list[float]
    metrics: list[float]
    lr: float
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
        finalists: formulas and hand-made functions on further seeds, the best metric first.
        evidence: the comparison of the best of both; ``None`` while formulas are left.
        left: formulas that are still to be tried.
        notes: why an arm ended before its budget.
        per_minute: formulas that this command trained in a minute, ``None`` if it trained none.
    """

    folder: Path
    metric: str
    formulas: list[Formula]
    counts: Mapping[str, Counts]
    finalists: list[Finalist] = field(default_factory=list)
    evidence: Evidence | None = None
    left: int = 0
    notes: list[str] = field(default_factory=list)
    per_minute: float | None = None

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
            sign = self.evidence.blocks[0].criterion.sign
            return max(compared, key=lambda f: sign * (f.confirmed or 0.0))
        return next(iter(formulas), None)

    @property
    def table(self) -> "DataFrame":
        """A row per formula that was tried, the smallest loss first."""
        import pandas as pd

        names = [item.name for item in fields(Formula)]
        frame = pd.DataFrame([vars(formula) for formula in self.formulas], columns=names)
        return frame.sort_values("loss", ignore_index=True)

    def progress(self, arm: str) -> list[list[float]]:
        """The smallest loss so far, after each formula of an arm; a list per repetition, all as
        long as the shortest that has any."""
        found: dict[int, list[float]] = {}
        for formula in self.formulas:
            if formula.arm == arm:
                losses = found.setdefault(formula.repetition, [])
                finished = formula.loss if formula.status == FINISHED else None
                best = math.inf if finished is None else finished
                losses.append(min([best, *losses[-1:]]))
        shortest = min(map(len, found.values()), default=0)
        return [found[repetition][:shortest] for repetition in sorted(found)]

    def evolution_gain(self) -> Comparison | None:
        """The smallest loss that evolution found, against random search with as many formulas, in
        pairs of a repetition; ``None`` for fewer than two, or where an arm found nothing."""
        evolution, control = self.progress(EVOLUTION), self.progress(RANDOM)
        length = min((len(losses) for losses in [*evolution, *control]), default=0)
        pairs = zip(evolution, control, strict=False)
        ends = [(own[length - 1], other[length - 1]) for own, other in pairs if length]
        if len(ends) < 2 or not all(map(math.isfinite, itertools.chain(*ends))):
            return None
        found, baseline = zip(*ends, strict=True)
        return compare(baseline, {EVOLUTION: found}, "min")[EVOLUTION]

    def front(self) -> list[tuple[Formula, float]]:
        """Of those, the ones with a smaller loss than all that are as short or shorter."""
        found: list[tuple[Formula, float]] = []
        for formula, loss in sorted(self.finished, key=lambda pair: (pair[0].length, pair[1])):
            if not found or loss < found[-1][1]:
                found.append((formula, loss))
        return found

    def ancestors(self, text: str) -> list[Formula]:
        """A formula and all that it comes from, the youngest first."""
        tried = [f for f in self.formulas if f.arm == EVOLUTION]
        coming = [f for f in tried if f.text == text][:1]
        known = {f.number: f for f in tried if coming and f.repetition == coming[0].repetition}
        tree: dict[int, Formula] = {}
        while coming:
            formula = coming.pop(0)
            if formula.number not in tree:
                tree[formula.number] = formula
                coming += [known[n] for n in formula.parents if n in known]
        return sorted(tree.values(), key=lambda f: -f.number)

    def _repr_html_(self) -> str:
        return as_html(self)

    def as_dict(self) -> dict[str, Any]:
        """What there is to be said of it, as plain values."""
        gain = self.evolution_gain()
        best = self.best
        return {
            "metric": self.metric,
            "trained": Counter(formula.status for formula in self.formulas),
            "drawn": {arm: vars(counts) for arm, counts in self.counts.items()},
            "notes": self.notes,
            "repetitions": len(self.progress(EVOLUTION)),
            "evolution_gain": gain.as_dict() if gain else None,
            "finalists": [
                {
                    "label": f.label,
                    "lr": f.lr,
                    "loss": f.loss,
                    "metric": f.metric,
                    "hand_made": f.hand_made,
                }
                for f in self.finalists
            ],
            "best": best.description() | {"train it": best.command} if best else {},
        }

    def write(self) -> Path:
        """As JSON, for the report, in its folder, beside the comparison."""
        if self.evidence:
            self.evidence.write(self.folder)
        path = self.folder / DISCOVERY_FILE
        write_text(path, json.dumps(self.as_dict(), indent=1) + "\n")
        return path


def read_discovery(folder: Path) -> dict[str, Any] | None:
    """What :meth:`Discovery.write` wrote; ``None`` where there is nothing, or not of this kind."""
    try:
        plain = json.loads((folder / DISCOVERY_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return plain if isinstance(plain, dict) and "finalists" in plain else None
