"""The encoder's wheel, and how a text is taken apart for it."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest

from pipeline.errors import ConfigError
from pipeline.minilm import numbers, opened, pieces_of, weights_in, words_in

KNOWN = {piece: at for at, piece in enumerate(("[UNK]", "[CLS]", "[SEP]", "de", "##forest", "##for", "##est", "##ation", "fire"))}
HEADER = b'{"bert.a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},"ids":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}'
TENSORS = len(HEADER).to_bytes(8, "little") + HEADER + np.array([1.5, -2], "<f4").tobytes() + bytes(8)


def test_words_are_as_bert_has_them():
    """Small letters without accents; marks and Chinese characters alone; what is not shown is not there."""
    assert list(words_in("Łódź's  ÉCOLE\n—\u200b$5.3\ufffdbn")) == ["łodz", "'", "s", "ecole", "—", "$", "5", ".", "3bn"]
    assert list(words_in("東京 Tower x\u0301")) == ["東", "京", "tower", "x"]
    assert list(words_in(" \x00")) == []


def test_a_word_is_taken_apart_as_the_encoder_does():
    """The longest piece first; what cannot be taken apart, or is no word by its length, is unknown."""
    assert pieces_of("deforestation", KNOWN) == (3, 4, 7)
    assert pieces_of("defx", KNOWN) == (0,)
    assert pieces_of("de" + "forest" * 20, KNOWN) == (0,)


def test_a_text_is_cut_between_its_marks():
    """A begin, an end, and at most so many in all."""
    assert numbers(["fire", "!", "fire"], KNOWN, 9) == [1, 8, 0, 8, 2]
    assert numbers(["deforestation", "fire"], KNOWN, 4) == [1, 3, 4, 2]
    assert numbers([], KNOWN, 9) == [1, 2]


def test_weights_are_read_from_the_wheel_s_file():
    """Eight bytes of length, a header in JSON, the numbers."""
    found = weights_in(TENSORS)
    assert list(found) == ["a"]
    assert found["a"].tolist() == [[1.5], [-2.0]]


def test_a_wheel_is_opened_wherever_its_model_lies(tmp_path: Path):
    """Under the package's name."""
    with zipfile.ZipFile(tmp_path / "some.whl", "w") as archive:
        archive.writestr("some_package/model/vocab.txt", "[UNK]\nfire\n")
        archive.writestr("some_package/model/model.safetensors", TENSORS)
    weights, pieces = opened(tmp_path / "some.whl")
    assert (list(weights), pieces) == (["a"], ["[UNK]", "fire"])


def test_what_is_not_the_wheel_is_told_with_how_to_get_it(tmp_path: Path):
    """A missing file, another file, and another wheel."""
    (tmp_path / "text.whl").write_text("no wheel")
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other/__init__.py", "")
    for name in ("none.whl", "text.whl", "other.whl"):
        with pytest.raises(ConfigError, match=rf"{name}.*get it with `pip download"):
            opened(tmp_path / name)
