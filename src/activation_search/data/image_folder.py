"""Images of the user's own, in one folder per class.

    python train.py data=image_folder data.path=flowers data.size=32

Either ``flowers/<class>/*.png`` (a fifth of each class is the test part, the same for every seed)
or ``flowers/train/<class>/…`` and ``flowers/test/<class>/…``, with ``validation`` (or ``val``)
beside them if there is one. Any format that Pillow reads, of 8 bits per channel.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from activation_search.data.config import ImageFolderConfig
from activation_search.data.files import given_path
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, TEST_SHARE, Source
from activation_search.errors import UserError

VALIDATION = ("validation", "val")


def load(config: ImageFolderConfig) -> Source:
    """The images as uint8 ``[N, C, size, size]``.

    Raises:
        UserError: no class folders, a class without images or missing in one part, or a file that
            is no image.
    """
    root = given_path("data.path", config.path, "my_folder")
    if not root.is_dir():
        raise UserError(f"data.path={root} is a file; it must be a folder with one per class.")
    validation = None
    if (root / "train").is_dir():
        train, test = _classes(root / "train"), _part(root, "test", root / "train")
        if found := next((n for n in VALIDATION if (root / n).is_dir()), None):
            validation = _part(root, found, root / "train")
    else:
        train, test = {}, {}
        for name, files in _classes(root).items():
            if len(files) < 2:
                raise UserError(f"{root / name} holds one image; it cannot be in both parts.")
            order = np.random.default_rng(TEST_SEED).permutation(len(files))
            cut = max(1, round(TEST_SHARE * len(files)))
            test[name] = [files[i] for i in order[:cut]]
            train[name] = [files[i] for i in order[cut:]]
    names = tuple(train)
    channels = 1 if config.gray else 3
    x_validation, y_validation = _read(validation, config) if validation else (None, None)
    return Source(
        *_read(train, config),
        *_read(test, config),
        Sample("image", (channels, config.size, config.size)),
        Target.among(len(names), names),
        x_validation,
        y_validation,
        origin={"folder": str(root)},
    )


def _part(root: Path, name: str, train: Path) -> dict[str, list[Path]]:
    """Another part, of the same classes as the training part."""
    if not (root / name).is_dir():
        raise UserError(f"{root} has a folder train, but none named {name}.")
    mine, other = _classes(root / name), _classes(train)
    for held, lacking, place in ((other, mine, root / name), (mine, other, train)):
        if missing := [c for c in held if c not in lacking]:
            raise UserError(f"{place} lacks class {missing[0]}.")
    return mine


def _classes(root: Path) -> dict[str, list[Path]]:
    """Class -> its images, both sorted; hidden files and other kinds of files are left alone."""
    Image.init()
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(folders) < 2:
        raise UserError(f"{root} holds {len(folders)} class folders; two are the least.")
    found = {}
    for folder in folders:
        files = sorted(
            p
            for p in folder.iterdir()
            if Image.EXTENSION.get(p.suffix.lower()) in Image.OPEN and not p.name.startswith(".")
        )
        if not files:
            raise UserError(f"{folder} holds no image.")
        found[folder.name] = files
    return found


def _read(
    classes: dict[str, list[Path]], config: ImageFolderConfig
) -> tuple[np.ndarray, np.ndarray]:
    files = [(path, label) for label, paths in enumerate(classes.values()) for path in paths]
    mode, channels = ("L", 1) if config.gray else ("RGB", 3)
    x = np.empty((len(files), channels, config.size, config.size), np.uint8)
    for i, (path, _) in enumerate(files):
        try:
            with Image.open(path) as image:
                deep = image.mode[0] in "IF"
                upright = ImageOps.exif_transpose(image).convert(mode)
                scaled = upright.resize((config.size, config.size))
        except Exception as error:  # each format has failures of its own
            raise UserError(f"{path} cannot be read as an image: {error}.") from error
        if deep:
            raise UserError(f"{path} has more than 8 bits per channel; save it with 8.")
        x[i] = np.asarray(scaled).reshape(config.size, config.size, channels).transpose(2, 0, 1)
    return x, np.array([label for _, label in files], np.int64)
