"""How remarkable a pair is against what the stream has seen."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.language.remarkable import log_likelihood, remarkable
from pipeline.store.search import Count, Facets


def counts(**named: int) -> tuple[Count, ...]:
    return tuple(Count(name.replace("_", " "), stories) for name, stories in named.items())


def facets(stories: int, entities: dict[str, int], pairs: dict[str, int]) -> Facets:
    return Facets(
        stories,
        is_whole=True,
        entities=tuple(Count(*item) for item in entities.items()),
        pairs=tuple(Count(*item) for item in pairs.items()),
    )


RECENT = facets(
    1_000,
    {"Biden": 200, "Putin": 150, "Musk": 20, "Xi": 15, "Ant": 10, "Bee": 10, "A + B": 9},
    {
        "Biden + Putin": 30,
        "Musk + Putin": 12,
        "Biden + Xi": 3,
        "Ant + Bee": 10,
        "A + B + Musk": 5,
        "Bee + Musk": 1,
        "Bee + Unknown": 4,
    },
)
WINDOW = facets(10_000, {}, {"Biden + Putin": 300, "Musk + Putin": 13, "Biden + Xi": 30, "Ant + Bee": 110, "A + B + Musk": 5})


def test_new_and_rising_pairs_come_first() -> None:
    """By how far they exceed what was expected."""
    found = {(pair.a, pair.b): pair for pair in remarkable(RECENT, WINDOW)}
    assert list(found) == [("A + B", "Musk"), ("Musk", "Putin")]
    assert found["A + B", "Musk"].is_new
    assert (found["Musk", "Putin"].stories, found["Musk", "Putin"].before, found["Musk", "Putin"].expected) == (12, 1, 3.0)


def test_an_old_couple_and_two_names_of_the_day_are_not_remarkable() -> None:
    """As often as before is expected, and so is what two common names do by chance."""
    names = {(pair.a, pair.b) for pair in remarkable(RECENT, WINDOW)}
    assert ("Ant", "Bee") not in names
    assert ("Biden", "Putin") not in names
    assert ("Bee", "Musk") not in names


def test_the_first_stories_of_a_stream_compare_with_chance() -> None:
    """Without a time before everything is new."""
    found = remarkable(RECENT, RECENT)
    assert found[0].is_new
    assert ("Ant", "Bee") in {(pair.a, pair.b) for pair in found}
    assert remarkable(facets(0, {}, {}), facets(0, {}, {})) == []


@given(st.integers(1, 1_000), st.integers(0, 1_000), st.floats(1e-6, 0.999))
def test_a_score_is_never_negative(total: int, count: int, share: float) -> None:
    """And nothing where the count is what was expected."""
    assert log_likelihood(min(count, total), total, share) >= 0
    assert log_likelihood(total // 2, total, total // 2 / total or 0.1) < 1e-6 or total < 2
