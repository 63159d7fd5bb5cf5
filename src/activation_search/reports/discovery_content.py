"""What is said of a search for formulas: on the console, in a notebook, and in its report."""

from pathlib import Path
from typing import Any

from activation_search.console import in_short
from activation_search.evidence.statistics import MIN_SEEDS, Comparison
from activation_search.reports.content import Content, TableData, picture_in

DISCOVERY_PICTURES = {
    "function.png": "The best formula, its derivative, and its relative in the catalogue",
    "progress.png": "The smallest loss so far, of evolution and of random search",
    "front.png": "Length of all formulas against their loss",
    "family.png": "Where the best formula comes from",
}
SHOWN = 15  # finalists


def add_discovery(content: Content, plain: dict[str, Any], folder: Path) -> None:
    """What was found, its verdict on evolution, tables and pictures.

    Args:
        content: of a report, to which they are added.
        plain: see :meth:`activation_search.discovery.found.Discovery.as_dict`.
        folder: of the search.
    """
    content.title = f"Search for formulas: {folder.name}"
    tried = sum(plain["trained"].values())
    content.question = f"Which new function is better than those known? {tried} formulas trained."
    content.verdicts += gain_sentences(plain)
    content.tables += [best_table(plain), finalists_table(plain)]
    for name, title in DISCOVERY_PICTURES.items():
        if (folder / name).exists():
            content.pictures.append(picture_in(title, folder / name, folder))
    trained = (f"{count} {status}" for status, count in plain["trained"].items())
    content.setting["formulas"] = ", ".join(trained)
    content.setting["drawn"] = "; ".join(drawn_sentences(plain))


def drawn_sentences(plain: dict[str, Any]) -> list[str]:
    """Of each arm, how many formulas were drawn, and why not all of them were trained."""
    sentences = []
    for arm, counts in plain["drawn"].items():
        if drawn := counts["drawn"]:
            gated = sum(counts["gated"].values())
            sentences.append(
                f"{arm}: {drawn:,} formulas drawn, {counts['duplicates'] / drawn:.0%} of them "
                f"known by their values, {gated / drawn:.0%} no activations"
            )
    return sentences


def gain_sentences(plain: dict[str, Any]) -> list[str]:
    """Whether evolution finds more than random search; nothing without repetitions."""
    if plain["evolution_gain"] is None:
        return []
    gain, repetitions = Comparison(**plain["evolution_gain"]), plain["repetitions"]
    difference, low, high = (in_short(v, "+") for v in (gain.difference, gain.low, gain.high))
    text = (
        f"Evolution against random search, {repetitions} repetitions: the smallest loss differs "
        f"by {difference} ({low} to {high}, p {gain.p_t:.3f}): "
        f"evolution is {gain.verdict}."
    )
    if repetitions < MIN_SEEDS:
        text += f" Fewer than {MIN_SEEDS} repetitions decide nothing."
    return [text]


def best_table(plain: dict[str, Any]) -> TableData:
    """The best formula in every form."""
    return TableData(
        "The best formula", ["written as", "text"], [list(row) for row in plain["best"].items()]
    )


def finalists_table(plain: dict[str, Any]) -> TableData:
    """Formulas and hand-made functions, the best first."""
    metric = plain["metric"]
    headings = ["candidate", "made by", "lr", "validation loss", *[metric] * (metric != "loss")]
    rows = [
        [f["label"], "hand" if f["hand_made"] else "search", f"{f['lr']:g}", in_short(f["loss"]),
         *[in_short(f["metric"])] * (metric != "loss")]
        for f in plain["finalists"][:SHOWN]
    ]  # fmt: skip
    return TableData("Finalists on further seeds", headings, rows)
