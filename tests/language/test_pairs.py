"""Who meets whom."""

from __future__ import annotations

from collections.abc import Sequence

from pipeline.language.pairs import MOST_APART, MOST_IN_SENTENCE, Met, pairs
from pipeline.model import Entity, Mention, Pair, Sentence


def entities(*keys: str) -> list[Entity]:
    return [Entity(key, key.upper(), "person", 1) for key in keys]


def met(keys: Sequence[str], places: Sequence[tuple[str, int]], *, watched: Sequence[str] = (), silent: Sequence[int] = ()) -> Met:
    """The pairs of mentions (key, sentence) ten characters apart; a paragraph has two sentences."""
    mentions = [
        Mention("text", at * 10, at * 10 + 4, "PERSON", key.upper(), key, sentence) for at, (key, sentence) in enumerate(places)
    ]
    last = max((sentence for _, sentence in places), default=0)
    sentences = [Sentence("text", at * 100, at * 100 + 99, at // 2) for at in range(last + 1)]
    return pairs(entities(*keys), mentions, sentences, set(watched), set(silent))


def test_entities_of_one_sentence_are_a_pair() -> None:
    """A pair counts the sentences it meets in; who is mentioned first is first; the most frequent pair leads."""
    found = met("abc", [("a", 0), ("b", 0), ("a", 0), ("c", 2), ("b", 2), ("b", 4), ("a", 4), ("a", 6)]).pairs
    assert [(pair.a, pair.b, pair.count, pair.sentences) for pair in found] == [("a", "b", 2, (0, 4)), ("b", "c", 1, (2,))]


def test_a_pair_knows_how_close_it_comes() -> None:
    """The characters between its nearest mentions, which two these are, and how many paragraphs name both."""
    (pair,) = met("ab", [("a", 0), ("a", 0), ("b", 0), ("b", 1), ("a", 2), ("b", 3)]).pairs
    assert (pair.distance, pair.nearest, pair.paragraphs) == (6, (1, 2), 2)


def test_who_never_shares_a_sentence_is_apart() -> None:
    """A paragraph in common comes before only the story; neither is among the pairs."""
    found = met("abc", [("a", 0), ("b", 1), ("c", 4)])
    assert found.pairs == ()
    assert found.apart == (
        Pair("a", "b", 0, (), 1, 6, (0, 1)),
        Pair("b", "c", 0, (), 0, 6, (1, 2)),
        Pair("a", "c", 0, (), 0, 16, (0, 2)),
    )


def test_title_and_text_have_no_distance() -> None:
    """Who is named in the title only is some way from the text, but nobody can say how far."""
    mentions = [Mention("title", 0, 4, "PERSON", "A", "a", 0), Mention("text", 0, 4, "PERSON", "B", "b", 1)]
    found = pairs(entities("a", "b"), mentions, [Sentence("title", 0, 9, 0), Sentence("text", 0, 9, 1)])
    assert found.apart == (Pair("a", "b", 0, (), 0, None, ()),)


def test_silent_mentions_meet_nobody() -> None:
    """A name in a dateline or a credit is there, and makes no pair; indices are those of all mentions."""
    found = met("ab", [("a", 0), ("b", 0), ("a", 2), ("b", 2)], silent=[0])
    assert found.pairs == (Pair("b", "a", 1, (2,), 1, 6, (1, 2)),)
    assert met("ab", [("a", 0), ("b", 0)], silent=[0]) == Met((), ())


def test_nobody_meets_himself() -> None:
    """Two mentions of one entity are no pair."""
    assert met("a", [("a", 0), ("a", 0)]) == Met((), ())


def test_a_list_of_names_is_bounded_and_keeps_the_watched() -> None:
    """Of a sentence with too many names the watched ones stay, though last."""
    keys = [f"k{n:03}" for n in range(100)]
    found = met(keys, [(key, 0) for key in keys], watched=["k098", "k099"])
    assert len(found.pairs) == MOST_IN_SENTENCE * (MOST_IN_SENTENCE - 1) // 2
    assert ("k098", "k099") in {(pair.a, pair.b) for pair in found.pairs}
    assert len(met(keys, [(key, at * 2) for at, key in enumerate(keys)]).apart) == MOST_APART
