import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.stories import duplicates
from pipeline.stories.boilerplate import lines
from pipeline.stories.duplicates import LEAST_SHARED, SHORTEST_WORDS, Wording

RANDOM = random.Random(7)
VOCABULARY = [f"{a}{b}{c}{a}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"] + [f"{a}{b}sted" for a in "pvw" for b in "aeiou"]
STORIES = [" ".join(RANDOM.choices(VOCABULARY, k=200)) for _ in range(40)]


def bands(text: str) -> list[int]:
    return Wording(lines(text)).bands()


def is_duplicate(a: str, b: str) -> bool:
    return duplicates.is_duplicate(Wording(lines(a)), Wording(lines(b)))


def edited(text: str, rate: float) -> str:
    return " ".join(RANDOM.choice(VOCABULARY) if RANDOM.random() < rate else word for word in text.split())


def share_bands(a: str, b: str) -> bool:
    return len(set(bands(a)) & set(bands(b))) >= LEAST_SHARED


@pytest.mark.parametrize(("rate", "least"), [(0.05, 40), (0.1, 39), (0.2, 33)])
def test_copies_are_found_and_judged(rate: float, least: int) -> None:
    """Of forty copies with words replaced, most are found by their bands and known for what they are."""
    copies = [(story, edited(story, rate)) for story in STORIES]
    assert sum(share_bands(*copy) and is_duplicate(*copy) for copy in copies) >= least


def test_others_are_not() -> None:
    """Different stories share no two bands and resemble each other in nothing."""
    for one, other in pairwise(STORIES):
        assert not share_bands(one, other)
        assert not is_duplicate(one, other)


def test_a_cut_copy_is_a_copy() -> None:
    """The first third of a story is contained in it, and found by what it has of its bands."""
    cuts = [(story, " ".join(story.split()[:66])) for story in STORIES]
    assert all(is_duplicate(*cut) for cut in cuts)
    assert sum(share_bands(*cut) for cut in cuts) >= 37


def test_the_same_told_in_other_words_is_no_copy() -> None:
    """Half of the sentences in common, or all the words in another order, make none."""
    one, other = STORIES[0].split(), STORIES[1].split()
    assert not is_duplicate(" ".join(one), " ".join(one[:100] + other[:100]))
    assert not is_duplicate(" ".join(one), " ".join(RANDOM.sample(one, len(one))))


def test_case_quotes_and_dashes_make_no_difference() -> None:
    """Typography is not text."""
    assert bands(STORIES[0]) == bands("“" + STORIES[0].upper().replace(" ", " — ") + "”")


def test_short_notices_are_no_copies() -> None:
    """Under twenty words, or the same words over and over, there is nothing to compare."""
    notice = " ".join(STORIES[0].split()[: SHORTEST_WORDS - 1])
    assert bands(notice) == []
    assert not is_duplicate(notice, notice)
    assert bands("subscribe to our newsletter " * 100) == []
    assert not is_duplicate("subscribe now " * 100, "subscribe now " * 100)


def test_a_footer_in_common_makes_no_copy() -> None:
    """Two long stories with the same footer are two, also before it is known for one."""
    footer = " ".join(STORIES[39].split()[:45])
    assert not is_duplicate(f"{STORIES[0]} {footer}", f"{STORIES[1]} {footer}")


@given(st.text(), st.text())
def test_the_judgement_is_symmetrical(a: str, b: str) -> None:
    """The same either way round, whatever is written."""
    assert is_duplicate(a, b) == is_duplicate(b, a)


def test_bands_are_the_same_for_ever() -> None:
    """What is stored today is found tomorrow: a change here asks for stored bands to be made anew."""
    found = bands(" ".join(f"story{n}" for n in range(100)))
    assert (len(found), found[0]) == (16, 3822485458)
