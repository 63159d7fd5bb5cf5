"""The confusion matrix as a picture."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

MOST_CLASSES = 30  # above, a picture of this size shows nothing


def draw_confusion(counts: Sequence[Sequence[int]], names: Sequence[str], title: str) -> Figure:
    """Rows are the true classes, columns the predicted ones; colour is the share of the row.

    Args:
        counts: ``[classes][classes]``, true by predicted.
        names: of the classes.
        title: says what was evaluated.
    """
    matrix = np.array(counts)
    classes = len(matrix)
    shares = matrix / np.maximum(matrix.sum(1, keepdims=True), 1)
    size = 2 + 0.28 * classes
    figure = Figure(figsize=(size + 0.4, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in zip(*np.nonzero(matrix), strict=True):
        color = "white" if shares[row, column] > 0.5 else "black"
        text = str(matrix[row, column])
        label = axes.text(column, row, text, ha="center", va="center", color=color, fontsize=6)
        label.set_in_layout(False)  # it lies inside; to measure them all takes long
    shown = [name if len(name) <= 12 else f"{name[:11]}…" for name in names]
    shown = [name.replace("$", r"\$") for name in shown]  # Matplotlib would read mathematics
    axes.set_xticks(range(classes), shown, rotation=90, fontsize=7)
    axes.set_yticks(range(classes), shown, fontsize=7)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(title, fontsize=9)
    return figure
