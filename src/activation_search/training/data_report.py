"""Which model reads which data set, and what a data set holds, as tables."""

from collections.abc import Iterator

import numpy as np

from activation_search.data.baselines import baselines
from activation_search.data.config import DataConfig
from activation_search.data.sample import Target
from activation_search.data.sources import SOURCES, load_splits
from activation_search.data.splits import Source
from activation_search.models.factory import READS, readers

TASKS = {
    "classes": "one of several classes: softmax",
    "binary": "yes or no: sigmoid",
    "numbers": "numbers: no function",
    "itself": "the sample itself: tanh",
    "next": "each next character: softmax",
    None: "what the data ask",
}


def matrix() -> str:
    """Data sets by models as a Markdown table; a dot where the model cannot read the samples."""
    models = list(READS)
    lines = [
        f"| `data=` | samples | task and output | {' | '.join(models)} |",
        f"|---|---|---{'|---' * len(models)}|",
    ]
    for name, registered in SOURCES.items():
        able = readers(registered.sample) if registered.sample else models
        marks = ["✓" if model in able else "·" for model in models]
        fetched = ", fetched once" if registered.fetched else ""
        lines.append(
            f"| `{name}` | {registered.sample or 'vector, series or image'}{fetched} "
            f"| {TASKS[registered.target]} | {' | '.join(marks)} |"
        )
    return "\n".join(lines)


def description(source: Source, data: DataConfig, seconds: float) -> Iterator[tuple[str, str]]:
    """Rows of name and text: samples, targets, sizes, memory, and what is easy to reach.

    Args:
        source: the data set.
        data: its settings.
        seconds: that it took to load.
    """
    sample = source.sample
    varying = ", shorter ones among them" if sample.varies else ""
    yield "samples", f"{sample.kind} {list(sample.shape)}{varying}"
    yield "task and output", TASKS[source.target.kind]
    if (held := _targets(source.target, source.y_train)) is not None:
        yield "training targets", held
    splits = load_splits(data, seed=0)
    kept = len(splits.validation) if splits.validation else 0
    yield (
        "training, validation, test",
        f"{len(splits.train):,}, {kept:,}, {len(splits.test):,}",
    )
    memory = f"{source.nbytes / 1e6:.1f} MB as {source.x_train.dtype}, loaded in {seconds:.2f} s"
    yield "memory", memory
    yield "models", ", ".join(readers(sample.kind, sample.varies))
    for name, value in baselines(source).items():
        yield f"without a network: {name}", f"{value:.4f}"
    yield from source.origin.items()


def _targets(target: Target, y: np.ndarray | None) -> str | None:
    if y is None:
        return None
    if target.kind == "next":
        return f"{target.size} different characters"
    if target.kind == "numbers":
        return f"{target.size} per sample, from {y.min():g} to {y.max():g}"
    counts = np.bincount(y)
    names = target.names or tuple(str(i) for i in range(len(counts)))
    shown = [f"{name}: {count:,}" for name, count in zip(names, counts, strict=True)]
    return ", ".join(shown[:12]) + (f", … ({len(shown)} classes)" if len(shown) > 12 else "")
