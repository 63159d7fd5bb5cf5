"""Rows of numbers: two real tables of scikit-learn and one made by a formula.

    python train.py model=mlp data=breast_cancer

A fifth of the rows is the test part, the same for every seed.
"""

import numpy as np

from activation_search.data.draw import draw_parts
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, TEST_SHARE, Source

FRIEDMAN_ROWS = 2000


def breast_cancer() -> Source:
    """569 tumours by 30 measures of their cells, benign (1) or malignant (0)."""
    from sklearn.datasets import load_breast_cancer

    x, y = load_breast_cancer(return_X_y=True)
    return from_arrays(x, y.astype(np.int64), Target("binary", 1))


def diabetes() -> Source:
    """442 patients by 10 measures, and the progress of their illness a year later, 25 to 346."""
    from sklearn.datasets import load_diabetes

    x, y = load_diabetes(return_X_y=True)
    return from_arrays(x, y[:, None], Target("numbers", 1))


def friedman1() -> Source:
    """2,000 rows of Friedman's first function (1991) with noise of standard deviation 1: ten
    inputs, five of which matter, by a product, a square and a sine."""
    from sklearn.datasets import make_friedman1

    x, y = make_friedman1(FRIEDMAN_ROWS, noise=1.0, random_state=TEST_SEED)
    return from_arrays(x, y[:, None], Target("numbers", 1))


def from_arrays(x: np.ndarray, y: np.ndarray, target: Target) -> Source:
    """A source of vectors in random order; its test part has the same share of each class."""
    labels = y if target.kind == "binary" else None
    train, test = draw_parts(len(x), round(TEST_SHARE * len(x)), TEST_SEED, labels)
    return Source(x[train], y[train], x[test], y[test], Sample("vector", x.shape[1:]), target)
