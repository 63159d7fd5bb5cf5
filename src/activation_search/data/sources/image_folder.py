"""Images of the user's own, in one folder per class.

    python train.py data=image_folder data.path=flowers data.size=32

Either ``flowers/<class>/*.png`` (a fifth of each class is the test part, the same for every seed)
or ``flowers/train/<class>/…`` and ``flowers/test/<class>/…``, perhaps with ``validation`` (or
``val``, ``valid``, ``dev``) beside them. Any format that Pillow reads, of 8 bits per channel; of
several pictures in one file the first. What is transparent shows ``data.background=white``.
"""

import warnings
from difflib import get_close_matches
from itertools import chain
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageOps

from activation_search.config.data import ImageFolderConfig
from activation_search.data.files import given_folder
from activation_search.data.sample import Sample, Target
from activation_search.data.splits import TEST_SEED, TEST_SHARE, Source
from activation_search.errors import UserError

# What the folder of each part may be called, in small letters or capitals.
PARTS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "validation": ("validation", "val", "valid", "dev"),
}
Classes = dict[str, list[Path]]


def load(config: ImageFolderConfig) -> Source:
    """The images as uint8 ``[N, C, size, size]``.

    Raises:
        UserError: no class folders, a class without images or missing in one part, a folder that
            would be left unread, or a file that is no image.
    """
    root = given_folder("data.path", config.path, "my_folder")
    background = _colour(config.background)
    try:
        parts = _parts(root)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be looked into: {error.strerror}.") from error
    names = tuple(parts["train"])
    read = {part: _read(classes, config, background) for part, classes in parts.items()}
    x_validation, y_validation = read.get("validation", (None, None))
    return Source(
        *read["train"],
        *read["test"],
        Sample("image", (1 if config.gray else 3, config.size, config.size)),
        Target.among(len(names), names),
        x_validation,
        y_validation,
        origin={"folder": str(root)},
    )


def _colour(given: str) -> tuple[int, ...]:
    try:
        colour = ImageColor.getrgb(given)
    except ValueError:
        guesses = get_close_matches(given.lower(), ImageColor.colormap, n=1)
        guess = f", did you mean {guesses[0]!r}?" if guesses else "."
        raise UserError(
            f"data.background={given} is no colour: a name such as white, or '#rrggbb'{guess}"
        ) from None
    if len(colour) != 3:
        raise UserError(f"data.background={given} is transparent itself; give '#rrggbb'.")
    return colour


def _parts(root: Path) -> dict[str, Classes]:
    """Part -> class -> images."""
    folders = _folders(root)
    named: dict[str, list[Path]] = {
        part: [f for f in folders if f.name.lower() in names] for part, names in PARTS.items()
    }
    # A class may be called train, but not beside one called test.
    if not any(named["test"] or _folders(train) for train in named["train"]):
        return _divided(root)
    for same in named.values():
        if len(same) > 1:
            raise UserError(
                f"{root} holds {same[0].name} and {same[1].name}, which name the same part; "
                "leave one."
            )
    if not named["test"]:
        raise UserError(f"{root} has a folder {named['train'][0].name}, but none named test.")
    if others := [f for f in folders if f not in chain(*named.values())]:
        raise UserError(
            f"{root} holds {others[0].name} beside {named['train'][0].name}; a third folder is the "
            f"validation part and may be named {', '.join(PARTS['validation'])}."
        )
    parts = {part: _classes(same[0]) for part, same in named.items() if same}
    train = parts["train"]
    for part, classes in parts.items():
        place = named[part][0]
        for held, lacking, where in (
            (train, classes, place),
            (classes, train, named["train"][0]),
        ):
            if missing := [c for c in held if c not in lacking]:
                raise UserError(f"{where} lacks class {missing[0]}.")
    return parts


def _divided(root: Path) -> dict[str, Classes]:
    """Training and test part of one folder, each with its share of every class."""
    train, test = {}, {}
    for name, files in _classes(root).items():
        if len(files) < 2:
            raise UserError(f"{root / name} holds one image; it cannot be in both parts.")
        order = np.random.default_rng(TEST_SEED).permutation(len(files))
        cut = max(1, round(TEST_SHARE * len(files)))
        test[name] = [files[i] for i in order[:cut]]
        train[name] = [files[i] for i in order[cut:]]
    return {"train": train, "test": test}


def _folders(root: Path) -> list[Path]:
    """Sorted; hidden ones, and those that an archive of macOS adds, are left alone."""
    return sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith((".", "__")))


def _classes(root: Path) -> Classes:
    """Class -> its images, both sorted; hidden files and other kinds of files are left alone."""
    Image.init()
    folders = _folders(root)
    if len(folders) < 2:
        raise UserError(f"{root} holds {len(folders)} class folders; two are the least.")
    found = {}
    for folder in folders:
        files = sorted(
            p
            for p in folder.iterdir()
            if Image.EXTENSION.get(p.suffix.lower()) in Image.OPEN
            and not p.name.startswith(".")
            and p.is_file()
        )
        if inner := _folders(folder):
            raise UserError(
                f"{inner[0]} would be left unread; images must lie directly in the folder of "
                "their class."
            )
        if not files:
            raise UserError(f"{folder} holds no image.")
        found[folder.name] = files
    return found


def _read(
    classes: Classes, config: ImageFolderConfig, background: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    files = [(path, label) for label, paths in enumerate(classes.values()) for path in paths]
    mode, channels = ("L", 1) if config.gray else ("RGB", 3)
    x = np.empty((len(files), channels, config.size, config.size), np.uint8)
    for i, (path, _) in enumerate(files):
        image = _pixels(path, mode, config.size, background)
        x[i] = image.reshape(config.size, config.size, channels).transpose(2, 0, 1)
    return x, np.array([label for _, label in files], np.int64)


def _pixels(path: Path, mode: str, size: int, background: tuple[int, ...]) -> np.ndarray:
    """One image, upright, opaque and scaled."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of small damage that Pillow gets over
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                if image.mode[0] in "IF":
                    raise UserError(f"{path} has more than 8 bits per channel; save it with 8.")
                upright = _opaque(ImageOps.exif_transpose(image), background).convert(mode)
                return np.asarray(upright.resize((size, size)))
    except UserError:
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        most = Image.MAX_IMAGE_PIXELS
        raise UserError(f"{path} has more than {most:,} pixels; scale it down.") from error
    except Exception as error:  # each format has failures of its own
        raise UserError(f"{path} cannot be read as an image: {error}.") from error


def _opaque(image: Image.Image, background: tuple[int, ...]) -> Image.Image:
    """The image over the background, whatever of its mode carries transparency."""
    if not image.has_transparency_data:
        return image
    ground = Image.new("RGBA", image.size, background)
    return Image.alpha_composite(ground, image.convert("RGBA"))
