"""A comparison in words and as a table on the console."""

import statistics

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from activation_search.console import in_short, print_table
from activation_search.evidence.results import Block, Evidence
from activation_search.evidence.statistics import BETTER, MIN_SEEDS, UNDECIDED, WORSE

HEADINGS = ("mean", "SD", "validation", "difference", "95% interval", "BCa interval", "p (t)",
            "p (Wilcoxon)", "p (Holm)", "effect", "wins", "params", "ms/step",
            "Pareto", "verdict")  # fmt: skip

# In a narrow window, the least needed first.
DROP = ("BCa interval", "p (t)", "p (Wilcoxon)", "effect", "validation", "params", "ms/step",
        "Pareto", "wins", "selection", "lr", "SD", "p (Holm)", "mean")  # fmt: skip


def sorted_labels(block: Block) -> list[str]:
    """Best mean first; those that diverged last."""

    def merit(label: str) -> tuple[bool, float]:
        arm = block.arms[label]
        values = [value for value in arm.values if value is not None]
        return bool(arm.diverged), -block.criterion.sign * sum(values) / max(len(values), 1)

    return sorted(block.arms, key=merit)


def cells(block: Block, label: str) -> list[str]:
    """The row of one candidate, as text under ``HEADINGS``."""
    arm = block.arms[label]
    front = block.fronts.get(label, "")
    cost = [f"{arm.parameters:,}", f"{1000 * arm.step_seconds:.2f}", front]
    values = [value for value in arm.values if value is not None]
    seen = [value for value in arm.validation if value is not None]
    own = [
        in_short(statistics.fmean(values)) if values else "",
        in_short(statistics.stdev(values)) if len(values) > 1 else "",
        in_short(statistics.fmean(seen)) if seen else "",
    ]
    if arm.diverged or label not in block.comparisons:
        verdict = "baseline" if label == block.baseline else "not compared"
        if arm.diverged:
            verdict = f"diverged on {arm.diverged} of {len(arm.values)} seeds"
        return [*own, *[""] * (len(HEADINGS) - len(own) - len(cost) - 1), *cost, verdict]
    c = block.comparisons[label]
    verdict = c.verdict
    if verdict == UNDECIDED:
        verdict += f" (could find {in_short(c.detectable)})"
    return [
        *own,
        in_short(c.difference, "+"),
        _interval(c.low, c.high),
        _interval(c.boot_low, c.boot_high),
        _p(c.p_t),
        _p(c.p_wilcoxon),
        _p(c.p_holm),
        "" if c.effect is None else f"{c.effect:+.2f}",
        f"{c.win_rate:.0%}",
        *cost,
        verdict,
    ]


def _interval(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    return f"{in_short(low, '+')} to {in_short(high, '+')}"


def _p(value: float) -> str:
    return "<.001" if value < 0.001 else f"{value:.3f}"


def verdict_sentence(block: Block) -> str:
    """The whole block in one sentence."""
    found: dict[str, list[str]] = {BETTER: [], WORSE: [], UNDECIDED: []}
    for label, comparison in block.comparisons.items():
        found[comparison.verdict].append(label)
    diverged = [label for label, arm in block.arms.items() if arm.diverged]
    parts = [
        f"{', '.join(labels)} {'is' if len(labels) == 1 else 'are'} {verdict}"
        for verdict, labels in found.items()
        if labels
    ]
    parts += [f"{', '.join(diverged)} diverged"] if diverged else []
    text = "; ".join(parts) or "there is nothing to compare"
    if block.baseline in diverged:
        return (
            f"The baseline {block.baseline} diverged on {block.arms[block.baseline].diverged} of "
            f"{len(block.seeds)} seeds of {block.label}, so that nothing is compared with it; "
            "choose another, or a smaller optim.lr."
        )
    return (
        f"Against {block.baseline}, on {len(block.seeds)} seeds of {block.label}: {text} "
        f"(test {block.metric}, family-wise error 5%)."
    )


def caution(block: Block) -> str:
    """What weakens the comparison, or nothing."""
    if len(block.seeds) < MIN_SEEDS:
        return f"With fewer than {MIN_SEEDS} seeds everything stays undecided."
    at_end = [label for label, arm in block.arms.items() if arm.at_end_of_grid]
    if not at_end:
        return ""
    return (
        f"The best learning rate of {', '.join(at_end)} is at an end of lr_grid: a better one may "
        "lie beyond; widen lr_grid."
    )


def print_evidence(evidence: Evidence, console: Console) -> None:
    """A table and a sentence per block, and ranks over several."""
    for block in evidence.blocks:
        title = f"{block.label}: test {block.metric}, {len(block.seeds)} seeds"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        selected = any(arm.selection is not None for arm in block.arms.values())
        tuned = any(arm.tuned for arm in block.arms.values())
        table.add_column("candidate")
        for extra in [*["selection"] * selected, *["lr"] * tuned, *HEADINGS]:
            table.add_column(extra, justify="left" if extra == "verdict" else "right")
        for label in sorted_labels(block):
            arm = block.arms[label]
            chosen = "" if arm.selection is None else in_short(arm.selection)
            extras = [*[chosen] * selected, *[f"{arm.lr:g}"] * tuned]
            table.add_row(escape(label), *extras, *cells(block, label))
        print_table(console, table, DROP, "the report")
        console.print(escape(verdict_sentence(block)), soft_wrap=True)
        if text := caution(block):
            console.print(escape(text), soft_wrap=True)
    if evidence.ranks:
        table = Table(title="mean rank over blocks", title_justify="left", box=box.SIMPLE_HEAD)
        table.add_column("candidate")
        table.add_column("mean rank", justify="right")
        for label, rank in sorted(evidence.ranks.items(), key=lambda pair: pair[1]):
            table.add_row(escape(label), f"{rank:.2f}")
        console.print(table)
        console.print(
            f"{len(evidence.blocks)} blocks prove nothing about others: ranks are a summary, "
            "not a test."
        )
