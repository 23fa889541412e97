"""Key phrases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.phrases import MOST_PHRASES, key_phrases
from pipeline.language.tokens import story_tokens

TEXT = (
    "The climate summit opened in Paris. Delegates said the climate summit must cut greenhouse gas. "
    "Greenhouse gas was the subject of the last climate summit. Mr Macron's office said Macron would speak."
)


def test_what_a_story_repeats_is_told() -> None:
    """Repeated phrases come first, whole, without the words every story has."""
    assert key_phrases(story_tokens("Climate summit opens", TEXT))[:2] == ("climate summit", "greenhouse gas")


def test_no_phrase_is_a_fragment_of_another() -> None:
    """No two phrases share a word."""
    words = [word.lower() for phrase in key_phrases(story_tokens("Climate summit opens", TEXT)) for word in phrase.split()]
    assert len(words) == len(set(words))


def test_part_of_a_name_is_the_whole_name() -> None:
    """Where the story's entities are known, a surname is given in full."""
    text = "Macron spoke. Macron left. Macron came."
    assert key_phrases(story_tokens("", text), ["Emmanuel Macron"]) == ("Emmanuel Macron",)


def test_a_short_story_gives_its_names() -> None:
    """Where little is repeated, names of several words are told."""
    assert key_phrases(story_tokens("", "Xi Jinping met the Bank of England."), ["Xi Jinping", "Bank of England"]) == (
        "Xi Jinping",
        "Bank of England",
    )


def test_nothing_gives_nothing() -> None:
    """An empty story has no phrases."""
    assert key_phrases(story_tokens("", "")) == ()


@given(st.text(max_size=300))
def test_phrases_are_few_and_short(text: str) -> None:
    """Whatever the text, at most eight phrases of at most four words, none twice."""
    found = key_phrases(story_tokens(text[:50], text * 3))
    assert len(found) <= MOST_PHRASES
    assert len(set(found)) == len(found)
    assert all(0 < len(phrase.split()) <= 4 for phrase in found)
