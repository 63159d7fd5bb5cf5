"""Which model reads which data set, and what a data set holds, as tables."""

from collections.abc import Iterator

import numpy as np
import torch

from activation_search.data.baselines import baselines
from activation_search.data.config import DataConfig
from activation_search.data.sample import ASKED, Target
from activation_search.data.sources import SOURCES, load_splits
from activation_search.data.splits import Source, Splits
from activation_search.models.factory import READS, readers


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
            f"| {ASKED.get(registered.target or '', 'what the data ask')} | {' | '.join(marks)} |"
        )
    return "\n".join(lines)


def description(
    source: Source, data: DataConfig, seed: int, seconds: float
) -> Iterator[tuple[str, str]]:
    """Rows of name and text: samples, targets, sizes, memory, and what is easy to reach.

    Args:
        source: the data set.
        data: its settings.
        seed: of the split.
        seconds: that it took to load.
    """
    sample = source.sample
    yield "samples", str(sample)
    yield "task and output", ASKED[source.target.kind]
    if (held := _targets(source.target, source.y_train)) is not None:
        yield "targets of training and validation", held
    splits = load_splits(data, seed)
    kept = len(splits.validation) if splits.validation else 0
    yield (
        "training, validation, test",
        f"{len(splits.train):,}, {kept:,}, {len(splits.test):,}",
    )
    memory = f"{_bytes(source, splits) / 1e6:.1f} MB, kept as {source.x_train.dtype}"
    yield "memory", f"{memory}, loaded in {seconds:.2f} s"
    yield "models", ", ".join(readers(sample.kind, sample.varies))
    for name, value in baselines(source).items():
        yield f"test part without a network: {name}", f"{value:.4f}"
    yield from source.origin.items()


def _bytes(source: Source, splits: Splits) -> int:
    """Memory of the arrays and of what is trained on; what they share is counted once."""
    parts = [part for part in (splits.train, splits.validation, splits.test) if part]
    tensors = [t for part in parts for t in part.tensors]
    tensors += [torch.from_numpy(a) for a in vars(source).values() if isinstance(a, np.ndarray)]
    ends = {t.data_ptr(): t.data_ptr() + t.nbytes for t in tensors}
    total, reached = 0, 0
    for start, end in sorted(ends.items()):  # views of one text overlap
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total


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
