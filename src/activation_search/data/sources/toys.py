"""Points in the plane that no straight line can tell apart: why networks need activations.

    python train.py model=mlp data=xor activation=identity

Without a non-linear function a network of any depth is one linear map, and fails; with nearly any
other function it solves both.
"""

import numpy as np

from activation_search.data.sample import Target
from activation_search.data.sources.tables import from_arrays
from activation_search.data.splits import Source

POINTS = 2000
SEED = 0


def xor() -> Source:
    """2,000 points of the square [-1, 1]^2: class 1 where exactly one coordinate is positive
    (Minsky and Papert 1969). Points nearer than 0.02 to an axis are left out."""
    x = np.random.default_rng(SEED).uniform(-1, 1, (2 * POINTS, 2))
    x = x[np.abs(x).min(1) > 0.02][:POINTS]
    return from_arrays(x, ((x > 0).sum(1) == 1).astype(np.int64), Target("binary", 1))


def two_spirals() -> Source:
    """2,000 points on two spirals of one and a half turns, one inside the other (Lang and Witbrock
    1988)."""
    generator = np.random.default_rng(SEED)
    y = np.arange(POINTS) % 2
    # The square root spreads the points evenly along the arm.
    radius = np.sqrt(generator.uniform(0.03, 1, POINTS))
    angle = 3 * np.pi * radius + np.pi * y
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1)
    x += generator.normal(0, 0.01, x.shape)
    return from_arrays(x, y.astype(np.int64), Target("binary", 1))
