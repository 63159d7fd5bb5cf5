"""Images in folders: what they become, and a sentence for each that cannot be used."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from activation_search.config.data import ImageFolderConfig
from activation_search.data.sources.image_folder import load
from activation_search.data.splits import Source
from activation_search.errors import UserError

from ...files import write_images


def read(path: Path, size: int = 8, gray: bool = False, background: str = "white") -> Source:
    return load(
        ImageFolderConfig(
            "image_folder", 64, 0.2, path=str(path), size=size, gray=gray, background=background
        )
    )


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


@pytest.mark.parametrize("name", ["val", "validation", "valid", "dev", "Val"])
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


@pytest.mark.parametrize(
    ("others", "sentence"),
    [
        (["val", "valid"], "holds val and valid, which name the same part; leave one"),
        (["testing"], "holds test and testing, which name the same part"),
        (["eval"], "holds eval beside train; a third folder is the validation part and may be nam"),
        (["holdout"], "holds holdout beside train"),
        (["unlabeled"], "holds unlabeled beside train"),
    ],
)
def test_no_folder_is_left_unread(tmp_path: Path, others: list[str], sentence: str) -> None:
    for part in ["train", "test", *others]:
        write_images(tmp_path / part, each=3)
    with pytest.raises(UserError, match=sentence):
        read(tmp_path)


def test_other_names_of_the_parts(tmp_path: Path) -> None:
    for part, each in {"Training": 4, "Testing": 2, ".cache": 1, "__MACOSX": 1}.items():
        write_images(tmp_path / part, each=each)
    source = read(tmp_path)
    assert (len(source.x_train), len(source.x_test)) == (8, 4)


def test_a_class_called_train(tmp_path: Path) -> None:
    write_images(tmp_path, ("train", "tram"))
    assert read(tmp_path).target.names == ("train", "tram")
    # Images that lie directly in the folders of parts are not taken for classes.
    (tmp_path / "tram").rename(tmp_path / "test")
    with pytest.raises(UserError, match=r"test holds 0 class folders|train holds 0 class folders"):
        read(tmp_path)


def test_images_in_folders_of_a_class_are_not_left_unread(tmp_path: Path) -> None:
    write_images(tmp_path)
    write_images(tmp_path / "rose", ("2019",))
    with pytest.raises(UserError, match=r"rose/2019 would be left unread"):
        read(tmp_path)


def transparent(mode: str) -> tuple[Image.Image, dict[str, object]]:
    """Black ink in the upper half, transparent ground of the same black in the lower."""
    if mode in ("RGBA", "LA", "RGBa"):
        image = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
        image.paste((0, 0, 0, 255), (0, 0, 8, 4))
        return image.convert("LA") if mode == "LA" else image, {}
    # One colour, or one place of the palette, stands for transparent.
    image = Image.new("RGB" if mode == "RGB" else "L", (8, 8), (1, 1, 1) if mode == "RGB" else 1)
    image.paste((0, 0, 0) if mode == "RGB" else 0, (0, 0, 8, 4))
    if mode.startswith("P"):
        image.putpalette([0, 0, 0] * 2)
        image = image.convert("P") if image.mode != "P" else image
    if mode == "P bytes":
        return image, {"transparency": bytes([255, 0])}
    return image, {"transparency": (1, 1, 1) if mode == "RGB" else 1}


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P", "P bytes", "RGB", "L"])
@pytest.mark.parametrize("gray", [False, True])
def test_what_is_transparent_shows_the_background(tmp_path: Path, mode: str, gray: bool) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            image, options = transparent(mode)
            image.save(tmp_path / name / f"{i}.png", **options)
    image = read(tmp_path, gray=gray).x_train[0]
    assert image[:, :4].max() == 0
    assert image[:, 4:].min() == 255
    blue = read(tmp_path, gray=gray, background="#0000ff").x_train[0]
    # ITU-R 601 gives blue 0.114 of the brightness.
    assert blue[:, 6, 6].tolist() == ([29] if gray else [0, 0, 255])
    assert blue[:, :4].max() == 0


def test_half_transparent_places_are_mixed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            Image.new("RGBA", (8, 8), (200, 0, 0, 51)).save(tmp_path / name / f"{i}.webp",
                                                            lossless=True, exact=True)  # fmt: skip
    # A fifth of the colour, four fifths of the ground.
    assert read(tmp_path).x_train[0, :, 3, 3].tolist() == [244, 204, 204]
    assert read(tmp_path, background="black").x_train[0, :, 3, 3].tolist() == [40, 0, 0]


def test_the_first_of_several_pictures(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "lime")]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for i in range(2):
            frames[0].save(tmp_path / name / f"{i}.gif", save_all=True, append_images=frames[1:])
    assert read(tmp_path).x_train[0, :, 4, 4].tolist() == [255, 0, 0]


def test_colours_that_do_not_exist(tmp_path: Path) -> None:
    write_images(tmp_path)
    with pytest.raises(UserError, match=r"data.background=whit is no colour.*mean 'white'\?"):
        read(tmp_path, background="whit")
    with pytest.raises(UserError, match=r"data.background=#ffffff80 is transparent itself"):
        read(tmp_path, background="#ffffff80")


def test_pictures_too_large_for_pillow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_images(tmp_path)
    for most in (300, 100):  # of 400 pixels: Pillow warns, and refuses
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", most)
        with pytest.raises(UserError, match=rf"png has more than {most} pixels; scale it down"):
            read(tmp_path)


def test_pipes_are_no_images(tmp_path: Path) -> None:
    write_images(tmp_path)
    os.mkfifo(tmp_path / "rose" / "pipe.png")
    assert len(read(tmp_path).x_train) == 16
