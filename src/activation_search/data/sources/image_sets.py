"""Images from the net: MNIST, Fashion-MNIST, KMNIST, and CIFAR-10.

    python train.py data=fashion_mnist

Fetched once into the cache folder, and kept as bytes until a batch is drawn.
"""

import numpy as np

from activation_search.data.download import Download, fetch, mirrors
from activation_search.data.formats import CIFAR_SHAPE, read_cifar, read_idx
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import Source

IMAGES = ("train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz")
LABELS = ("train-labels-idx1-ubyte.gz", "t10k-labels-idx1-ubyte.gz")
# Folders, and SHA-256 of training images, training labels, test images, test labels.
MNIST_LIKE: dict[str, tuple[list[str], list[str]]] = {
    "mnist": (
        [
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ],
        [
            "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        ],
    ),
    "fashion_mnist": (
        [
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        ],
        [
            "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        ],
    ),
    "kmnist": (
        ["http://codh.rois.ac.jp/kmnist/dataset/kmnist/"],
        [
            "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4",
            "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17",
            "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5",
            "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c",
        ],
    ),
}
MAX_BYTES = 64_000_000  # the largest of these files has 26 million
CIFAR = Download(
    "cifar10/cifar-10-binary.tar.gz",
    ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    most_bytes=256_000_000,
)
CIFAR_FOLDER = "cifar-10-batches-bin"


def mnist_like(name: str) -> Source:
    """70,000 gray images of 28x28 pixels, 10,000 of them the test part.

    Raises:
        UserError: a file cannot be fetched, or is not what it should be.
    """
    folders, hashes = MNIST_LIKE[name]
    files = [file for pair in zip(IMAGES, LABELS, strict=True) for file in pair]
    downloads = [
        Download(f"{name}/{file}", mirrors(folders, file), sha256, MAX_BYTES)
        for file, sha256 in zip(files, hashes, strict=True)
    ]
    x_train, y_train, x_test, y_test = (read_idx(fetch(download)) for download in downloads)
    return Source(
        x_train[:, None],
        y_train.astype(np.int64),
        x_test[:, None],
        y_test.astype(np.int64),
        Sample("image", (1, *x_train.shape[1:])),
        Target("classes", 10),
        origin={"sha256 of training images": hashes[0]},
    )


def cifar10() -> Source:
    """60,000 colour images of 32x32 pixels, 10,000 of them the test part.

    Raises:
        UserError: the archive cannot be fetched, or is not what it should be.
    """
    path = fetch(CIFAR)
    batches = [f"{CIFAR_FOLDER}/data_batch_{i}.bin" for i in range(1, 6)]
    return Source(
        *read_cifar(path, batches),
        *read_cifar(path, [f"{CIFAR_FOLDER}/test_batch.bin"]),
        Sample("image", CIFAR_SHAPE),
        Target("classes", 10),
        origin={"sha256": CIFAR.sha256},
    )
