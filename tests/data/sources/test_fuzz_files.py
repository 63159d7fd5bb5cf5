"""Generated archives, folders of images and texts: what is read is what was written, or one
sentence says why not. The same files in every run.
"""

from collections import Counter
from typing import Any

import hypothesis.strategies as st
import numpy as np
from hypothesis import given
from PIL import Image

from activation_search.config.data import (
    CHANNELS,
    SAMPLE_KINDS,
    TARGET_KINDS,
    ArraysConfig,
    ImageFolderConfig,
    TextConfig,
)
from activation_search.data.sources import arrays, image_folder, text

from ..fuzz import check, folder, generated, parts, read

NUMBERS = (
    "float16",
    "float32",
    "float64",
    ">f4",
    "int8",
    ">i8",
    "int64",
    "uint8",
    "uint64",
    "bool",
)
OTHERS = ("complex64", "U3", "S3", "M8[s]", "O")


@st.composite
def archives(draw: st.DrawFn) -> dict[str, Any]:
    rows = draw(st.integers(1, 9))
    shape = draw(st.lists(st.sampled_from([1, 2, 3, 4, 5, 8]), min_size=1, max_size=3))
    shape = draw(st.sampled_from([*[shape] * 8, [], [0], [2, 2, 2, 2]]))
    kind = draw(st.sampled_from(["labels", "large", "words", "numbers", "several", "one_hot", "x"]))
    return {
        "rows": rows,
        "shape": shape,
        "type": draw(st.sampled_from([*NUMBERS * 4, *OTHERS])),
        "asked": kind,
        "asked_type": draw(st.sampled_from([*NUMBERS, "O"])),
        "special": draw(st.sampled_from([*[None] * 9, np.nan, np.inf, -0.0, 1e300])),
        "sample": draw(st.sampled_from(["auto"] * 4 + list(SAMPLE_KINDS))),
        "target_kind": draw(st.sampled_from(["auto"] * 2 + list(TARGET_KINDS))),
        "channels": draw(st.sampled_from(CHANNELS)),
        "left_out": draw(st.sampled_from([*[None] * 12, "x_test", "y_train"])),
        "damage": draw(st.sampled_from([*["no"] * 6, "cut", "byte"])),
        "place": draw(st.integers(0, 10**6)),
    }


def filled(archive: dict[str, Any]) -> dict[str, np.ndarray]:
    shape = (2 * archive["rows"], *archive["shape"])
    x = (np.arange(np.prod(shape)).reshape(shape) % 100).astype(archive["type"])
    if archive["special"] is not None and x.dtype.kind == "f" and x.size:
        with np.errstate(over="ignore"):
            x.flat[archive["place"] % x.size] = archive["special"]
    place = np.arange(2 * archive["rows"]) % 3
    y = {
        "labels": place.astype(archive["asked_type"]),
        "large": place + 2**53 + 1,
        "words": np.array(["no", "yes", "na"])[place],
        "numbers": place / 3 - 1e9,
        "several": np.stack([place, place / 7], 1),
        "one_hot": np.eye(3)[place].astype(archive["asked_type"]),
        "x": x,
    }[archive["asked"]]
    half = archive["rows"]
    given = {"x_train": x, "y_train": y, "x_test": x[half:], "y_test": y[half:]}
    return {name: a for name, a in given.items() if name != archive["left_out"]}


def test_arrays() -> None:
    outcomes: Counter[str] = Counter()

    @generated(90)
    @given(archives())
    def each(archive: dict[str, Any]) -> None:
        held = filled(archive)
        with folder() as place:
            path = place / "my.npz"
            np.savez(path, allow_pickle=True, **held)  # type: ignore[arg-type]
            content = path.read_bytes()
            at = archive["place"] % len(content)
            if archive["damage"] == "cut":
                path.write_bytes(content[:at])
            if archive["damage"] == "byte":
                path.write_bytes(content[:at] + bytes([content[at] ^ 255]) + content[at + 1 :])
            keys = {key: archive[key] for key in ("sample", "target_kind", "channels")}
            config = ArraysConfig("arrays", 64, 0.2, path=str(path), **keys)
            source = read(arrays.load_arrays, config, place, outcomes)
        if source is None:
            return
        x, y = held["x_train"], held["y_train"]
        # Channels may have moved within a sample, values may not have changed, nor their precision.
        exact = np.sort(x.astype(np.longdouble).reshape(len(x), -1))
        assert (np.sort(source.x_train.reshape(len(x), -1)) == exact)[~np.isnan(exact)].all()
        assert source.y_train is not None
        if source.target.kind == "numbers":
            assert source.y_train.dtype == np.float64
            assert (source.y_train == y.astype(np.longdouble).reshape(len(y), -1)).all()
            return
        labels = y.argmax(1) if y.ndim == 2 and y.shape[1] == 3 else y.reshape(-1)
        names = source.target.names
        found = [names[i] if names else str(i) for i in source.y_train]
        assert found == [v if isinstance(v, str) else str(int(v)) for v in labels.tolist()]

    each()
    check(outcomes, 15)


MODES = ("RGB", "RGBA", "L", "LA", "P", "1", "CMYK", "I;16")
FORMATS = {"png": MODES, "bmp": ("RGB", "L", "1"), "tiff": ("RGB", "RGBA", "L", "CMYK"),
           "gif": ("P", "L"), "webp": ("RGB", "RGBA")}  # fmt: skip


@st.composite
def folders(draw: st.DrawFn) -> dict[str, Any]:
    ending = draw(st.sampled_from(sorted(FORMATS)))
    modes = [mode for mode in FORMATS[ending] if (ending, mode) != ("png", "CMYK")]
    return {
        "ending": ending,
        "mode": draw(st.sampled_from(modes)),
        "colours": [draw(st.tuples(*[st.integers(0, 255)] * 4)) for _ in range(3)],
        "size": draw(st.tuples(st.integers(1, 9), st.integers(1, 9))),
        "parts": draw(st.sampled_from([[], ["train", "test"], ["Training", "TEST", "valid"],
                                       ["train", "test", "val", "dev"], ["train"],
                                       ["train", "test", "eval"]])),
        "gray": draw(st.booleans()),
        "damage": draw(st.sampled_from(["no", "no", "no", "cut", "empty"])),
        "place": draw(st.integers(0, 10**6)),
    }  # fmt: skip


def shown(mode: str, colour: tuple[int, ...], gray: bool) -> list[float]:
    """What one colour becomes over white, by hand."""
    r, g, b, a = colour
    if mode in ("L", "LA", "P"):
        r = g = b = r
    if mode == "1":
        r = g = b = 255 * (r > 127)
    if mode == "CMYK":
        r, g, b = ((255 - c) * (255 - a) / 255 for c in (r, g, b))  # type: ignore[assignment]
    over = a / 255 if mode in ("RGBA", "LA") else 1.0
    r, g, b = (over * c + (1 - over) * 255 for c in (r, g, b))  # type: ignore[assignment]
    return [0.299 * r + 0.587 * g + 0.114 * b] if gray else [r, g, b]


def picture(mode: str, colour: tuple[int, ...], size: tuple[int, int]) -> Image.Image:
    r, g, b, a = colour
    if mode == "P":
        image = Image.new("P", size, 0)
        image.putpalette([r, r, r])
        return image
    value: Any = {"RGB": (r, g, b), "RGBA": colour, "L": r, "LA": (r, a), "1": int(r > 127),
                  "CMYK": colour, "I;16": 257 * r}[mode]  # fmt: skip
    return Image.new(mode, size, value)


def test_image_folders() -> None:
    outcomes: Counter[str] = Counter()

    @generated(50)
    @given(folders())
    def each(made: dict[str, Any]) -> None:
        with folder() as place:
            for part in made["parts"] or ["."]:
                for name, colour in zip("abc", made["colours"], strict=True):
                    (place / part / name).mkdir(parents=True)
                    for i in range(2):
                        path = place / part / name / f"{i}.{made['ending'].upper()}"
                        picture(made["mode"], colour, made["size"]).save(
                            path,
                            **{"lossless": True, "exact": True} if made["ending"] == "webp" else {},
                        )
            content = path.read_bytes()
            if made["damage"] != "no":
                path.write_bytes(content[: made["place"] % len(content)][: 10**9 * (
                    made["damage"] == "cut")])  # fmt: skip
            config = ImageFolderConfig("image_folder", 64, 0.2, path=str(place), size=4,
                                       gray=made["gray"])  # fmt: skip
            source = read(image_folder.load, config, place, outcomes)
        usable = len(made["parts"]) in (0, 2) or made["parts"][-1] == "valid"
        if not usable or made["mode"] == "I;16" or made["damage"] == "empty":
            assert source is None
        if source is None:
            assert made["damage"] != "no" or not usable or made["mode"] == "I;16"
            return
        if made["damage"] != "no":
            return  # Pillow reads on where only the end of a file is missing
        x, y = parts(source)
        for image, label in zip(x, y, strict=True):
            expected = shown(made["mode"], made["colours"][label], made["gray"])
            np.testing.assert_allclose(image.mean((1, 2)), expected, atol=2)
            assert np.ptp(image, (1, 2)).max() == 0

    each()
    check(outcomes, 10)


def test_texts() -> None:
    outcomes: Counter[str] = Counter()

    @generated(30)
    @given(
        st.text(
            st.characters(exclude_categories=["Cs"], exclude_characters="\r\ufeff"), min_size=1
        ),
        st.integers(1, 400),
        st.sampled_from(["\n", "\r\n", "\r"]),
        st.sampled_from([b"", b"\xef\xbb\xbf", b"\xff\xfe"]),
        st.integers(2, 70),
    )
    def each(piece: str, times: int, end: str, mark: bytes, context: int) -> None:
        written = (piece + "\n") * times
        with folder() as place:
            path = place / "my.txt"
            path.write_bytes(mark + written.replace("\n", end).encode())
            config = TextConfig("text", 8, 0.1, path=str(path), context=context)
            source = read(text.load, config, place, outcomes)
        if mark == b"\xff\xfe":
            assert source is None
        if source is None:
            assert mark == b"\xff\xfe" or len(written) <= 10 * (context + 1) + 10
            return
        names = source.target.names
        assert "".join(names[i] for i in source.x_train.ravel()) == written[: source.x_train.size]
        assert source.y_train is not None
        assert (
            "".join(names[i] for i in source.y_train.ravel()) == written[1:][: source.y_train.size]
        )

    each()
    check(outcomes, 5)
