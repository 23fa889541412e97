"""Who meets whom."""

from __future__ import annotations

from pipeline.language.pairs import MOST_IN_SENTENCE, pairs
from pipeline.model import Entity, Pair


def entities(*keys: str) -> list[Entity]:
    return [Entity(key, key.upper(), "person", 1) for key in keys]


def test_entities_of_one_sentence_are_a_pair() -> None:
    """A pair counts the sentences it meets in; who is mentioned first is first; the most frequent pair leads."""
    places = [("a", 0), ("b", 0), ("a", 0), ("c", 1), ("b", 1), ("b", 2), ("a", 2), ("a", 3)]
    assert pairs(entities("a", "b", "c"), places) == (Pair("a", "b", 2, (0, 2)), Pair("b", "c", 1, (1,)))


def test_nobody_meets_himself() -> None:
    """Two mentions of one entity are no pair."""
    assert pairs(entities("a"), [("a", 0), ("a", 0)]) == ()


def test_a_list_of_names_is_bounded_and_keeps_the_watched() -> None:
    """Of a sentence with too many names the watched ones stay, though last."""
    keys = [f"k{n:03}" for n in range(100)]
    found = pairs(entities(*keys), [(key, 0) for key in keys], watched={"k098", "k099"})
    assert len(found) == MOST_IN_SENTENCE * (MOST_IN_SENTENCE - 1) // 2
    assert ("k098", "k099") in {(pair.a, pair.b) for pair in found}
