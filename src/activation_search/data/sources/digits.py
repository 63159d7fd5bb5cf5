"""Digits: 1,797 scanned 8x8 digits of 43 writers, part of scikit-learn.

    python train.py data=digits

The test part, 360 samples, is the same for every seed.
"""

import numpy as np

from activation_search.data.draw import draw_parts
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, Source

TEST_SIZE = 360
SAMPLE = Sample("image", (1, 8, 8))


def load() -> Source:
    """The images as ``[N, 1, 8, 8]`` with values 0 to 16."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    x = x.reshape(-1, 1, 8, 8).astype(np.float32)
    train, test = draw_parts(len(x), TEST_SIZE, TEST_SEED, labels=y)
    return Source(x[train], y[train], x[test], y[test], SAMPLE, Target("classes", 10))
