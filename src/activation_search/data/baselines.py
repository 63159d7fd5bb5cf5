"""What is reached on the test part without a network: below it nothing was learned."""

import gzip

import numpy as np

from activation_search.data.splits import Source, Splits, filled

COMPONENTS = (2, 8, 16)
SMOOTHING = 0.01  # of counts, for pairs of characters that training text lacks


def baselines(source: Source, splits: Splits) -> dict[str, float]:
    """Name -> value of the metric that the name ends with.

    Most frequent class; mean of the training targets; principal components of samples scaled as
    for training; single characters, pairs of them, and gzip.

    Args:
        source: of training and validation, and of the test part.
        splits: of the same, with the scale of a run.
    """
    kind = source.target.kind
    if kind == "itself":
        return _components(filled(source, slice(None)), splits)
    assert source.y_train is not None
    assert source.y_test is not None
    if kind == "next":
        return _text(source.y_train, source.x_train, source.y_test, source.x_test)
    if kind == "numbers":
        return _numbers(source.y_train.astype(np.float64), source.y_test.astype(np.float64))
    most_frequent = np.bincount(source.y_train).argmax()
    share = (source.y_test == most_frequent).mean()
    return {"most frequent class, accuracy": float(share)}


def _numbers(y_train: np.ndarray, y_test: np.ndarray) -> dict[str, float]:
    from sklearn.metrics import mean_absolute_error, r2_score

    mean = np.broadcast_to(y_train.mean(0), y_test.shape)
    found = {"mean of the training targets, mae": float(mean_absolute_error(y_test, mean))}
    if not (y_test == y_test[0]).all(0).any():  # else R2 is not defined
        found["mean of the training targets, r2"] = float(r2_score(y_test, mean))
    return found


def _components(source: Source, splits: Splits) -> dict[str, float]:
    from sklearn.decomposition import PCA

    middle, half_range = splits.mean.numpy(), splits.std.numpy()
    train, test = (
        ((x - middle) / half_range).reshape(len(x), -1) for x in (source.x_train, source.x_test)
    )
    found = {}
    for count in COMPONENTS:
        if count < min(train.shape):
            pca = PCA(count, random_state=0).fit(train)
            error = pca.inverse_transform(pca.transform(test)) - test
            found[f"{count} principal components, mse"] = float((error**2).mean())
    return found


def _text(
    y_train: np.ndarray, x_train: np.ndarray, y_test: np.ndarray, x_test: np.ndarray
) -> dict[str, float]:
    size = 1 + max(int(y.max()) for y in (y_train, x_train, y_test, x_test))
    pairs = np.full((size, size), SMOOTHING)
    np.add.at(pairs, (x_train.ravel(), y_train.ravel()), 1)
    singles = pairs.sum(0)
    of_single = -np.log2(singles / singles.sum())[y_test.ravel()]
    of_pair = -np.log2(pairs / pairs.sum(1, keepdims=True))[x_test.ravel(), y_test.ravel()]
    # What gzip makes of the numbers is what it would make of the characters.
    packed = len(gzip.compress(y_test.astype(np.uint16 if size > 256 else np.uint8).tobytes()))
    return {
        "single characters, bits_per_character": float(of_single.mean()),
        "pairs of characters, bits_per_character": float(of_pair.mean()),
        "gzip of the test part, bits_per_character": 8 * packed / y_test.size,
    }
