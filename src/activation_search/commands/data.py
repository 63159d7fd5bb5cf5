"""The data sets: which model reads which, and what one of them holds.

python scripts/data.py                          # every data set and the models that read it
python scripts/data.py data=digits              # its samples, sizes, and what is easy to reach
python scripts/data.py data=csv data.path=my.csv data.target=price   # checks a file of yours
"""

import argparse
import time
from collections.abc import Iterator

import numpy as np
import torch
from rich.markup import escape
from rich.table import Table

from activation_search.config.compose import compose
from activation_search.config.data import DataConfig
from activation_search.config.models import MODEL_CONFIGS
from activation_search.config.run import TrainConfig, check_run
from activation_search.console import ArgumentParser, in_short, open_console
from activation_search.data.baselines import baselines
from activation_search.data.registry import SOURCES, load_source, load_splits
from activation_search.data.sample import TASK_TEXT, Target
from activation_search.data.splits import Source, Splits
from activation_search.models.factory import readers

MAX_INPUTS = 40  # that are named


def run() -> None:
    """Prints the matrix, or what the data set of the command line holds."""
    parser = ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "overrides", nargs="*", metavar="KEY=VALUE", help="data=name and its settings"
    )
    overrides = parser.parse_args().overrides
    if not overrides:
        print(matrix())
        return
    config: TrainConfig = compose(overrides)
    check_run(config)
    began = time.perf_counter()
    source = load_source(config.data)
    seconds = time.perf_counter() - began
    table = Table(title=f"data={config.data.name}", title_justify="left", show_header=False)
    for name, text in description(source, config.data, config.seed, seconds):
        table.add_row(escape(name), escape(text))
    open_console().print(table)


def matrix() -> str:
    """Data sets by models as a Markdown table; a dot where the model cannot read the samples."""
    models = list(MODEL_CONFIGS)
    lines = [
        f"| `data=` | samples | task and output | {' | '.join(models)} |",
        f"|---|---|---{'|---' * len(models)}|",
    ]
    for name, registered in SOURCES.items():
        able = readers(registered.sample) if registered.sample else models
        marks = ["✓" if model in able else "·" for model in models]
        fetched = ", fetched once" if registered.fetched else ""
        task = TASK_TEXT.get(registered.target or "", "what the data ask")
        lines.append(
            f"| `{name}` | {registered.sample or 'vector, series or image'}{fetched} "
            f"| {task} | {' | '.join(marks)} |"
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
    yield "task and output", TASK_TEXT[source.target.kind]
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
    for name, value in baselines(source, splits).items():
        yield f"test part without a network: {name}", in_short(value)
    yield from source.origin.items()
    if inputs := [name for column in splits.columns for name in column.inputs]:
        more = f", … ({len(inputs)} inputs)" if len(inputs) > MAX_INPUTS else ""
        yield "inputs", ", ".join(inputs[:MAX_INPUTS]) + more
    if gaps := [f"{c.name}: {c.median:g}" for c in splits.columns if c.missing and not c.words]:
        yield "missing values become", ", ".join(gaps)


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
    counts = np.bincount(y, minlength=2 if target.kind == "binary" else target.size)
    names = target.names or tuple(str(i) for i in range(len(counts)))
    shown = [f"{name}: {count:,}" for name, count in zip(names, counts, strict=True)]
    return ", ".join(shown[:12]) + (f", … ({len(shown)} classes)" if len(shown) > 12 else "")
