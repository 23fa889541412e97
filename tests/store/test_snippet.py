"""The line of a text that shows why a story was found."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.query import EVERYTHING, All, Either, Fuzzy, Not, Words
from pipeline.store.snippet import CLOSE, OPEN, snippet

WORDS = st.lists(st.sampled_from(["sat", "satellite", "musk", "’", "Ł", "北京", "\n"]), max_size=80)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (Words(("musk",)), "Elon [Musk] met Mr Putin; [Müsk] did not."),
        (Words(("mr", "putin")), "Elon Musk met [Mr Putin]; Müsk did not."),
        (Words(("m",), is_prefix=True), "Elon [Musk] [met] [Mr] Putin; [Müsk] did not."),
        (Words(("met", "m"), is_prefix=True), "Elon Musk [met Mr] Putin; Müsk did not."),
        (Fuzzy("elom", 1), "[Elon] Musk met Mr Putin; Müsk did not."),
        (Either((Words(("elon",)), Words(("elon", "musk")))), "[Elon] Musk met Mr Putin; Müsk did not."),
        (All((Words(("elon",)), Not(Words(("putin",))))), "[Elon] Musk met Mr Putin; Müsk did not."),
        (Words(("elsewhere",)), "Elon Musk met Mr Putin; Müsk did not."),
        (Words(("musk",), field="title"), ""),
        (EVERYTHING, ""),
    ],
)
def test_what_was_asked_for_is_marked(query, expected: str):
    """Whole phrases, prefixes and likenesses; not what must not be there, nor what stands in the title."""
    marked = snippet("Elon Musk met Mr Putin; Müsk did not.", query)
    assert marked.replace(OPEN, "[").replace(CLOSE, "]") == expected


def test_the_line_begins_at_a_word_before_the_first_match():
    """Cut text is shown as cut."""
    line = snippet("word " * 100 + "the satellites fell silent " + "and more " * 100, Words(("satellites",)))
    assert f"{OPEN}satellites{CLOSE} fell silent" in line
    assert line.startswith("…word ")
    assert line.endswith("…")


@given(WORDS)
def test_the_words_of_a_line_are_the_text_s(pieces: list[str]):
    """Marks are put in, nothing is lost or moved; what was asked for is there if it is in the text."""
    text = " ".join(pieces)
    line = snippet(text, Words(("satellite",)))
    plain = line.replace(OPEN, "").replace(CLOSE, "").strip("…").strip()
    assert plain in " ".join(text.split())
    assert (OPEN in line) == ("satellite" in pieces)
