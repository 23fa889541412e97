import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories import duplicates
from pipeline.stories.duplicates import SHORTEST_WORDS, shingles

RANDOM = random.Random(7)
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]
STORIES = [" ".join(RANDOM.choices(VOCABULARY, k=200)) for _ in range(40)]


def bands(text: str) -> tuple[str, ...]:
    return duplicates.bands(shingles(text))


def is_duplicate(a: str, b: str) -> bool:
    return duplicates.is_duplicate(shingles(a), shingles(b))


def resemblance(a: str, b: str) -> tuple[float, float]:
    return duplicates.resemblance(shingles(a), shingles(b))


def edited(text: str, rate: float) -> str:
    return " ".join(RANDOM.choice(VOCABULARY) if RANDOM.random() < rate else word for word in text.split())


def share_bands(a: str, b: str) -> bool:
    return bool(set(bands(a)) & set(bands(b)))


def test_copies_are_found_and_judged() -> None:
    """Of copies with one word in twenty replaced, at least nine in ten are found by their bands and known for what they are."""
    copies = [(story, edited(story, 0.05)) for story in STORIES]
    assert sum(share_bands(*copy) and is_duplicate(*copy) for copy in copies) >= 36


def test_others_are_not() -> None:
    """Different stories share no band and resemble each other in nothing."""
    for one, other in pairwise(STORIES):
        assert not share_bands(one, other)
        assert not is_duplicate(one, other)


def test_a_cut_copy_is_a_copy() -> None:
    """The first third of a story is contained in it."""
    cut = " ".join(STORIES[0].split()[:66])
    assert is_duplicate(STORIES[0], cut)
    assert resemblance(STORIES[0], cut) == (pytest.approx(64 / 198), 1.0)


def test_case_quotes_and_dashes_make_no_difference() -> None:
    """Typography is not text."""
    assert bands(STORIES[0]) == bands("“" + STORIES[0].upper().replace(" ", " — ") + "”")


def test_short_notices_are_no_copies() -> None:
    """Under forty words, or the same words over and over, there is nothing to compare."""
    notice = " ".join(STORIES[0].split()[: SHORTEST_WORDS - 1])
    assert bands(notice) == ()
    assert not is_duplicate(notice, notice)
    assert bands("subscribe to our newsletter " * 100) == ()
    assert not is_duplicate("subscribe now " * 100, "subscribe now " * 100)
    assert len(bands(" ".join(STORIES[0].split()[:SHORTEST_WORDS]))) == 16


def test_boilerplate_shared_makes_no_copy() -> None:
    """Two stories with the same footer are two."""
    footer = " ".join(STORIES[39].split()[:45])
    assert not is_duplicate(f"{STORIES[0]} {footer}", f"{STORIES[1]} {footer}")


@given(st.text(), st.text())
def test_resemblance_is_symmetrical(a: str, b: str) -> None:
    """Either way round, between nothing and all."""
    assert resemblance(a, b) == resemblance(b, a)
    assert all(0 <= part <= 1 for part in resemblance(a, b))
    assert is_duplicate(a, b) == is_duplicate(b, a)


def test_bands_are_the_same_for_ever() -> None:
    """What is stored today is found tomorrow: a change here asks for stored bands to be made anew."""
    assert bands(" ".join(str(n) for n in range(100)))[0] == "band:6cc726d809577eb7d7c237b7"
