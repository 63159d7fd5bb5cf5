"""Images in folders: what they become, and a sentence for each that cannot be used."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from activation_search.data.config import ImageFolderConfig
from activation_search.data.image_folder import load
from activation_search.data.splits import Source
from activation_search.errors import UserError

from ..files import write_images


def read(path: Path, size: int = 8, gray: bool = False) -> Source:
    return load(ImageFolderConfig("image_folder", 64, 0.2, path=str(path), size=size, gray=gray))


def test_one_folder_per_class(tmp_path: Path) -> None:
    write_images(tmp_path, ("rose", "tulip", "daisy"))
    (tmp_path / "rose" / ".hidden.png").write_text("")
    (tmp_path / "rose" / "notes.pdf").write_text("")
    source = read(tmp_path)
    assert source.target.names == ("daisy", "rose", "tulip")
    assert (source.x_train.shape, source.x_test.shape) == ((24, 3, 8, 8), (6, 3, 8, 8))
    assert source.x_train.dtype == np.uint8
    assert source.y_test is not None
    assert np.bincount(source.y_test).tolist() == [2, 2, 2]
    assert read(tmp_path, gray=True).x_train.shape == (24, 1, 8, 8)


def test_pixels(tmp_path: Path) -> None:
    for name, colour in {"red": (200, 0, 0), "blue": (0, 0, 100)}.items():
        (tmp_path / name).mkdir()
        for i in range(3):
            Image.new("RGB", (5, 9), colour).save(tmp_path / name / f"{i}.bmp")
    source = read(tmp_path)
    assert source.y_train is not None
    for image, label in zip(source.x_train, source.y_train, strict=True):
        expected = {"blue": [0, 0, 100], "red": [200, 0, 0]}[source.target.names[label]]
        assert image.mean((1, 2)).tolist() == expected


def test_train_and_test_folders(tmp_path: Path) -> None:
    write_images(tmp_path / "train", each=6)
    write_images(tmp_path / "test", each=3)
    source = read(tmp_path)
    assert (len(source.x_train), len(source.x_test)) == (12, 6)
    shutil.rmtree(tmp_path / "test" / "tulip")
    with pytest.raises(UserError, match=r"test holds 1 class folders"):
        read(tmp_path)
    write_images(tmp_path / "test", ("daisy",))
    with pytest.raises(UserError, match=r"test lacks class tulip"):
        read(tmp_path)
    shutil.rmtree(tmp_path / "test")
    with pytest.raises(UserError, match=r"has a folder train, but none named test"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["val", "validation"])
def test_a_validation_folder(tmp_path: Path, name: str) -> None:
    for part, each in {"train": 6, "test": 3, name: 2}.items():
        write_images(tmp_path / part, each=each)
    source = read(tmp_path)
    assert source.x_validation is not None
    assert (len(source.x_train), len(source.x_validation), len(source.x_test)) == (12, 4, 6)


def test_a_photograph_is_turned_upright(tmp_path: Path) -> None:
    stripe = np.zeros((8, 8, 3), np.uint8)
    stripe[0] = 255  # the upper edge, which lies on the right once it is turned
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(stripe).save(tmp_path / name / f"{i}.png", exif=exif)
    image = read(tmp_path).x_train[0, 0]
    assert image[:, 7].tolist() == [255] * 8
    assert image[:, :7].max() == 0


def test_more_than_eight_bits_are_refused(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.fromarray(np.full((4, 4), 3000, np.uint16)).save(tmp_path / name / f"{i}.png")
    with pytest.raises(UserError, match=r"a/[01].png has more than 8 bits per channel"):
        read(tmp_path)


def test_a_sentence_for_each_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nothing is there"):
        read(tmp_path / "none")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"is a file; it must be a folder"):
        read(tmp_path / "file")
    with pytest.raises(UserError, match=r"holds 0 class folders; two are the least"):
        read(tmp_path)
    write_images(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"empty holds no image"):
        read(tmp_path)
    (tmp_path / "empty" / "a.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(UserError, match=r"empty holds one image"):
        read(tmp_path)
    (tmp_path / "empty" / "b.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(UserError, match=r"empty/[ab].png cannot be read as an image"):
        read(tmp_path)
