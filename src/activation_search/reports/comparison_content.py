"""What a report says of a comparison."""

from collections.abc import Collection, Iterator
from pathlib import Path

from activation_search.console import in_short
from activation_search.evidence.results import Block, Evidence
from activation_search.reports.comparison_figures import (
    draw_best,
    draw_forest,
    draw_functions,
    draw_pairs,
    draw_ranks,
)
from activation_search.reports.comparison_table import (
    HEADINGS,
    caution,
    cells,
    sorted_labels,
    verdict_sentence,
)
from activation_search.reports.content import Content, Picture, TableData, drawn, flat
from activation_search.reports.cost_figures import draw_arm_costs

# Columns of a comparison that stand beside the verdict.
FIRST = ("mean", "SD", "difference", "95% interval", "p (Holm)", "wins")


def of_comparison(evidence: Evidence) -> Content:
    """Its title and question; :func:`add_evidence` says the rest."""
    names = ", ".join(evidence.blocks[0].arms)
    where = " and ".join(block.label for block in evidence.blocks)
    return Content(f"Which activation on {where}?", f"Candidates: {names}.")


def add_evidence(
    content: Content, evidence: Evidence, folder: Path, named: Collection[str]
) -> None:
    """Verdicts, tables and pictures of a comparison.

    Args:
        content: of a report, to which they are added.
        evidence: the comparison.
        folder: of the report.
        named: import paths of the user's own functions that may be followed to draw their curves.
    """
    for block in evidence.blocks:
        content.verdicts += [verdict_sentence(block), *([caution(block)] if caution(block) else [])]
        content.tables += comparison_tables(block)
        content.pictures += _pictures(block, folder, named)
    if evidence.ranks:
        rows = sorted(evidence.ranks.items(), key=lambda pair: pair[1])
        content.tables.append(
            TableData(
                "Mean rank over blocks (a summary: few blocks prove nothing about others)",
                ["candidate", "mean rank"],
                [[label, f"{rank:.2f}"] for label, rank in rows],
            )
        )
        content.pictures.append(
            drawn("Mean ranks over blocks", draw_ranks(evidence), "ranks", folder)
        )
    for block in evidence.blocks if not content.setting else ():
        prefix = f"{block.label}: " if len(evidence.blocks) > 1 else ""
        content.setting |= {prefix + key: value for key, value in flat(block.setting).items()}
    content.versions = evidence.versions
    if evidence.command not in content.commands:
        content.commands.append(evidence.command)


def comparison_tables(block: Block) -> list[TableData]:
    """A candidate in each row: its verdict, and then the rest, since all columns together are wider
    than a page."""
    selected = any(arm.selection is not None for arm in block.arms.values())
    verdicts, rest = [], []
    for label in sorted_labels(block):
        arm = block.arms[label]
        cell = dict(zip(HEADINGS, cells(block, label), strict=True))
        chosen = "" if arm.selection is None else in_short(arm.selection)
        verdicts.append([label, cell.pop("verdict"), *(cell.pop(name) for name in FIRST)])
        own = [*[chosen] * selected, f"{arm.lr:g}", *cell.values()]
        rest.append([label, *own, ", ".join(arm.alarms)])
    title = f"{block.label}: test {block.metric} on {len(block.seeds)} seeds"
    others = [name for name in HEADINGS if name not in (*FIRST, "verdict")]
    selection = ["selection (validation)"] * selected
    return [
        TableData(title, ["candidate", "verdict", *FIRST], verdicts),
        TableData(
            "More of the same runs", ["candidate", *selection, "lr", *others, "alarms"], rest
        ),
    ]


def _pictures(block: Block, folder: Path, named: Collection[str]) -> Iterator[Picture]:
    name = block.file_name
    if block.comparisons:
        title = f"{block.label}: difference from {block.baseline} with 95% interval"
        yield drawn(title, draw_forest(block), f"{name}-forest", folder)
    if pairs := draw_pairs(block):
        yield drawn(f"{block.label}: the same seeds", pairs, f"{name}-pairs", folder)
    if costs := draw_arm_costs(block):
        title = f"{block.label}: test {block.metric} against its costs, with the Pareto fronts"
        yield drawn(title, costs, f"{name}-costs", folder)
    yield drawn(f"{block.label}: learning curves", draw_best(block), f"{name}-curves", folder)
    if functions := draw_functions(block, named):
        best = sorted_labels(block)[0]
        title = f"{block.label}: functions of {best}, seed {block.seeds[0]}, as learned"
        yield drawn(title, functions, f"{name}-functions", folder)
