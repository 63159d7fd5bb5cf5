"""Seconds per epoch of the CNN on many images of MNIST's size:  python benchmarks/images.py

Ours keeps them as bytes, the plain programs as floats.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
from loops import add_comparison, comparison_table, measure, parse, parser, positive
from rich.console import Console

from activation_search.errors import exit_code


def main() -> None:
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--count", type=positive, default=60_000, help="images for training")
    arguments = parse(options)
    compare_on_images(arguments.count, arguments.rounds, Console())


def compare_on_images(count: int, rounds: int, console: Console) -> None:
    """Prints seconds per epoch on images that are too many to be kept as floats lightly."""
    generator = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npz"
        arrays = {}
        for part, n in {"train": count, "test": count // 6}.items():
            arrays[f"y_{part}"] = np.arange(n) % 10
            arrays[f"x_{part}"] = generator.integers(0, 256, (n, 28, 28), dtype=np.uint8)
        np.savez(path, **arrays)  # type: ignore[arg-type]
        data = ["data=arrays", f"data.path={path}", "data.batch_size=128"]
        steps = -(-round(0.8 * count) // 128)  # a fifth is kept for validation
        table = comparison_table(f"seconds per epoch of {round(0.8 * count):,} images")
        rows = measure("cnn", data, rounds, epochs=1)
        epochs = [(steps * ours, steps * plain, steps * other) for ours, plain, other in rows]
        add_comparison(table, "cnn", "28x28 bytes", epochs, unit=1.0)
        console.print(table)


if __name__ == "__main__":
    sys.exit(exit_code(main))
