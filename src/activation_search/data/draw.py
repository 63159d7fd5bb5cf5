"""Which samples are held out: the same share of each class, whole groups."""

import numpy as np

# The best of so many draws of whole groups is taken.
GROUP_DRAWS = 100


def draw_parts(
    n: int,
    held_out: int,
    seed: int,
    labels: np.ndarray | None = None,
    groups: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Draws which of ``n`` samples are held out, and puts both parts into random order.

    Args:
        n: number of samples.
        held_out: how many of them to hold out; of groups about so many.
        seed: of the draw.
        labels: ``[n]`` of int, each sample's class, to hold out the same share of each, and at
            least one sample; ``None`` for no classes. A class with a single sample is not held out.
            Where fewer samples are held out or kept than there are classes, all are drawn alike.
        groups: ``[n]`` of int, two different ones or more; samples of one group stay together,
            which may leave a class out of a part.

    Returns:
        The numbers of the samples that are kept, and of those that are held out.
    """
    generator = np.random.default_rng(seed)
    order = generator.permutation(n)
    if groups is not None and held_out:
        kept, held = _whole_groups(groups, held_out, labels, generator)
        return generator.permutation(kept), generator.permutation(held)
    if labels is not None and held_out:
        from sklearn.model_selection import train_test_split

        _, label, counts = np.unique(labels[order], return_inverse=True, return_counts=True)
        alone = counts[label] == 1
        several = order[~alone]
        if (counts > 1).sum() <= min(held_out, len(several) - held_out):
            kept, held = train_test_split(
                several,
                test_size=held_out,
                stratify=labels[several],
                random_state=int(generator.integers(2**32)),
            )
            _exchange(held, kept, labels)
            _exchange(kept, held, labels)
            return generator.permutation(np.concatenate([kept, order[alone]])), held
    return order[held_out:], order[:held_out]


def _exchange(part: np.ndarray, other: np.ndarray, labels: np.ndarray) -> None:
    """Gives a part one sample of each class that only the other one has, as rounding leaves rare
    classes, for one of the class that it has most of. It has more samples than there are classes.
    """
    for rare in np.setdiff1d(labels[other], labels[part]):
        most = np.bincount(labels[part]).argmax()
        given = np.flatnonzero(labels[part] == most)[0]
        taken = np.flatnonzero(labels[other] == rare)[0]
        part[given], other[taken] = other[taken], part[given]


def _whole_groups(
    groups: np.ndarray, held_out: int, labels: np.ndarray | None, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The draw of whole groups whose share of each class is nearest to that of the samples."""
    from sklearn.model_selection import GroupShuffleSplit

    share = held_out / len(groups)
    count = len(np.unique(groups))
    draws = GroupShuffleSplit(
        GROUP_DRAWS,
        test_size=min(max(1, round(share * count)), count - 1),
        random_state=int(generator.integers(2**32)),
    )
    of_one = np.zeros(len(groups), np.int64) if labels is None else labels
    totals = np.bincount(of_one)

    def distance(parts: tuple[np.ndarray, np.ndarray]) -> float:
        held = np.bincount(of_one[parts[1]], minlength=len(totals))
        return float(np.abs(held / np.maximum(totals, 1) - share).sum())

    kept, held = min(draws.split(groups, groups=groups), key=distance)
    return kept, held
