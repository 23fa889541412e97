"""How alike stories are by what they mean, beside their words."""

from __future__ import annotations

import numpy as np
import pytest

from pipeline.stories.meaning import SHARE, direction, packed, with_meaning, with_meanings


def test_a_meaning_keeps_where_a_vector_points():
    """In a byte a number, whatever its length; nothing stays nothing."""
    vector = np.random.default_rng(0).normal(size=384)
    assert len(packed(vector)) == 384
    assert packed(vector) == packed(vector * 1_000)
    assert direction(packed(vector)) @ vector / np.linalg.norm(vector) == pytest.approx(1, abs=1e-3)
    assert not direction(packed(np.zeros(384))).any()


def test_meaning_is_a_quarter_of_how_alike_stories_are():
    """What unlike stories have in common counts for nothing, and an average may be taken before or after."""
    words, cosines = np.array([0.1, 0.5], np.float32), np.array([0.9, 0.2], np.float32)
    assert SHARE == 0.25
    assert with_meaning(0.4, 0.0) < 0.75 * 0.4 < with_meaning(0.4, 0.5)
    assert with_meaning(words, cosines).mean() == pytest.approx(with_meaning(float(words.mean()), float(cosines.mean())))


def test_where_one_has_no_meaning_words_alone_count():
    """A story kept before there was an encoder, or without words for it."""
    words = np.array([0.3, 0.3, 0.3], np.float32)
    one, other = packed(np.eye(384)[0]), packed(np.eye(384)[1])
    found = with_meanings(words, one, [one, b"", other])
    assert found[1] == words[1]
    assert found.tolist() == pytest.approx([with_meaning(0.3, 1.0), 0.3, with_meaning(0.3, 0.0)])
    assert with_meanings(words, b"", [one, b"", other]) is words
    assert with_meanings(words[:0], one, []).tolist() == []
