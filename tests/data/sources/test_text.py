"""Text as samples: what is asked, what is kept apart, and what cannot be used."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from activation_search.config.data import TextConfig
from activation_search.data.registry import load_splits
from activation_search.data.sources.text import from_text, load, standard_library
from activation_search.errors import UserError

POEM = "the quick brown fox jumps over the lazy dog. " * 40


def text_of(tokens: np.ndarray, names: tuple[str, ...]) -> str:
    return "".join(names[token] for token in tokens.flatten())


def test_each_next_character_is_asked() -> None:
    source = from_text(POEM, 10, "poem")
    names = source.target.names
    assert (source.sample.kind, source.sample.shape) == ("tokens", (10,))
    assert source.sample.vocabulary == source.target.size == len(set(POEM)) == 28
    assert source.y_train is not None
    assert text_of(source.x_train[0], names) == "the quick "
    assert text_of(source.y_train[0], names) == "he quick b"
    # All of the text but its last tenth, in order and without a gap.
    assert text_of(source.x_train, names) == POEM[: source.x_train.size]
    assert source.x_train.size + 10 > 0.9 * len(POEM) - 1
    assert text_of(source.x_test[0], names) == POEM[1620:1630]
    assert source.origin == {"text": "poem"}


def test_the_standard_library_is_text() -> None:
    text = standard_library(20_000)
    assert len(text) == 20_000
    assert text.isascii()
    assert "import " in text
    source = load(TextConfig("text", 8, 0.1, characters=20_000))
    assert source.x_train.dtype == np.uint8
    assert source.x_train.shape == (281, 64)


def test_validation_is_the_end_of_the_training_text(tmp_path: Path) -> None:
    (tmp_path / "poem.txt").write_text(POEM)
    config = TextConfig("text", 8, 0.25, path=str(tmp_path / "poem.txt"), context=10)
    splits = load_splits(config, seed=3)
    assert splits.validation is not None
    assert (len(splits.train), len(splits.validation)) == (121, 40)
    names = splits.target.names
    assert text_of(splits.train.x.numpy(), names) == POEM[:1210]
    assert text_of(splits.validation.x.numpy(), names) == POEM[1210:1610]


def test_a_file_is_read_whole(tmp_path: Path) -> None:
    (tmp_path / "long.txt").write_text(POEM * 700)
    config = TextConfig("text", 8, 0.1, path=str(tmp_path / "long.txt"))
    assert load(config).x_train.size > 1_100_000
    assert load(replace(config, characters=50_000)).x_train.size < 50_000


def test_a_sentence_for_each_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"short has 45 characters; with data.context=10 it needs"):
        from_text(POEM[:45], 10, "short")
    with pytest.raises(UserError, match=r"holds 5000 different characters; at most 4096"):
        from_text("".join(map(chr, range(0x4E00, 0x4E00 + 5000))), 10, "characters")
    (tmp_path / "bytes.txt").write_bytes(b"\xff\xfe" * 10)
    for path, sentence in {"bytes.txt": "cannot be read as text", "none.txt": "nothing is"}.items():
        with pytest.raises(UserError, match=sentence):
            load(TextConfig("text", 8, 0.1, path=str(tmp_path / path)))


@pytest.mark.parametrize("content", [
    b"\xef\xbb\xbf" + POEM.encode(), POEM.replace("dog. ", "dog.\n").encode(),
    POEM.replace("dog. ", "dog.\r\n").encode(), POEM.replace("dog. ", "dog.\r").encode(),
])  # fmt: skip
def test_marks_and_ends_of_lines_are_no_characters_of_their_own(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "poem.txt").write_bytes(content)
    source = load(TextConfig("text", 8, 0.1, path=str(tmp_path / "poem.txt"), context=10))
    expected = POEM if b"\xef" in content else POEM.replace("dog. ", "dog.\n")
    assert source.target.names == tuple(sorted(set(expected)))
    assert text_of(source.x_train, source.target.names) == expected[: source.x_train.size]


def test_pipes_are_no_texts(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(UserError, match=r"pipe.txt is a pipe, socket or device"):
        load(TextConfig("text", 8, 0.1, path=str(tmp_path / "pipe.txt")))
