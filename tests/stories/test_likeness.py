"""What stories are about, as numbers."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stories.grouping import WINDOW, nearness
from pipeline.stories.likeness import MOST_TELLING, Rarity, packed_terms, slots, stem, telling

FIRE = packed_terms("Warehouse burns in Leeds", "A fire destroyed a warehouse in Leeds. Firefighters fought the flames all night.")
SAME = packed_terms("Leeds warehouse destroyed", "Flames tore through the warehouse in Leeds; firefighters were there at night.")
OTHER = packed_terms("Bank holds rates", "The central bank kept its interest rates. Markets had expected that.")


@pytest.mark.parametrize(
    ("one", "other"),
    [("attacks", "attack"), ("countries", "country"), ("planned", "planning"), ("closed", "closes")],
)
def test_the_forms_of_a_word_are_one(one: str, other: str):
    """Endings that only grammar asks for make no difference."""
    assert stem(one) == stem(other)


def test_names_and_short_words_stay_as_they_are():
    """What is uncertain stays."""
    assert [stem(word) for word in ("paris", "gas", "łódź")] == ["paris", "gas", "łódź"]


def test_two_tellings_of_one_happening_are_more_alike_than_of_two():
    """A text is wholly like itself, and one without words like none."""
    same, other, own, none = Rarity().alike(FIRE, [SAME, OTHER, FIRE, b""])
    assert 0.99 < own <= 1.001
    assert same > 0.4 > 0.1 > other
    assert none == 0.0
    assert list(Rarity().alike(b"", [FIRE])) == [0.0]
    assert list(Rarity().alike(FIRE, [])) == []


def test_what_many_stories_have_says_less():
    """A rare word tells a story; once everybody has it, it does not."""
    rarity = Rarity()
    rare = telling(FIRE)[0]
    before = rarity.asked([rare])[rare]
    for _ in range(5_000):
        rarity.count(FIRE)
    assert rarity.asked([rare])[rare] == before
    rarity.refresh()
    assert rarity.asked([rare])[rare] < before / 5


def test_stop_words_say_nothing():
    """A text of them has no terms."""
    assert packed_terms("The", "and of it, a to do") == b""


def test_a_person_counts_beside_the_words_that_name_them():
    """Stories that name one person in other words are more alike, those that name two of one name less."""
    texts = ("Clinton spoke in Ohio", "The former president, Clinton, flew home")
    bill, hillary = {"person:bill-clinton": 1}, {"person:hillary-clinton": 1}
    rarity = Rarity()
    (words,) = rarity.alike(packed_terms("", texts[0]), [packed_terms("", texts[1])])
    one, two = rarity.alike(packed_terms("", texts[0], bill), [packed_terms("", texts[1], who) for who in (bill, hillary)])
    assert one > words > two


def test_persons_come_behind_the_words_and_no_word_is_one():
    """Their slots are their own, however often and in whatever order they are named."""
    words = slots(packed_terms("musk", "putin"))
    both = slots(packed_terms("musk", "putin", {"putin": 3, "musk": 1_000}))
    assert both[: len(words)].tolist() == words.tolist()
    assert len(both) == len(words) + 2
    assert (both[:-1] < both[1:]).all()


@settings(deadline=None)
@given(st.text(max_size=400), st.text(max_size=400))
def test_any_text_has_terms_in_order_each_once(title: str, text: str):
    """Whatever a publisher writes; what tells it are some of them."""
    terms = slots(packed_terms(title, text)).tolist()
    assert terms == sorted(set(terms))
    found = telling(packed_terms(title, text))
    assert len(found) == min(MOST_TELLING, len(terms))
    assert set(found) <= set(terms)


def test_likeness_fades_with_time():
    """Within a day nearly all of it is left, after twice the window nothing."""
    window_s = WINDOW.total_seconds()
    assert nearness(0) == 1.0
    assert nearness(window_s / 3) > 0.95
    assert 0.7 < nearness(window_s) < 0.8
    assert nearness(3 * window_s) == nearness(-3 * window_s) == 0.0
