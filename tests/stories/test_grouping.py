"""Which stories tell one happening, by how alike they are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.stories.grouping import MOST_CROWDED, Told, crowding, grouped
from pipeline.stories.likeness import Floats

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


def told(*terms: int, hours: int = 0) -> Told:
    weights = np.full(len(terms), 1 / np.sqrt(max(1, len(terms))), dtype=np.float32)
    return Told(NOON + timedelta(hours=hours), np.array(terms, dtype=np.uint32), weights)


def alike(stories: list[Told]) -> list[dict[int, float]]:
    common = [[len(set(a.terms.tolist()) & set(b.terms.tolist())) for b in stories] for a in stories]
    return [
        {
            at: n / float(np.sqrt(len(one.terms) * len(stories[at].terms)))
            for at, n in enumerate(row)
            if n and stories[at] is not one
        }
        for one, row in zip(stories, common, strict=True)
    ]


def groups(stories: list[Told], crowded: float = 0.0) -> list[int]:
    return grouped(stories, alike(stories), [crowded] * len(stories))


def test_stories_that_share_words_are_one_group_under_the_first():
    """Those that share none stay alone."""
    assert groups([told(1, 2, 3), told(7, 8), told(2, 3, 4), told(1, 3, 4), told(9)]) == [0, 1, 0, 0, 4]
    assert groups([]) == []


def test_groups_further_apart_than_twice_the_window_have_nothing_in_common():
    """However alike their stories are."""
    stories = [told(1, 2, 3), told(1, 2, 3, hours=3)]
    assert grouped(stories, alike(stories), [0.0, 0.0], timedelta(hours=3)) == [0, 0]
    assert grouped(stories, alike(stories), [0.0, 0.0], timedelta(hours=1)) == [0, 1]


def test_one_story_between_two_happenings_does_not_make_them_one():
    """What counts is how alike all of two groups are, not the nearest two."""
    one, other = [told(*range(1, 9)) for _ in range(4)], [told(*range(11, 19)) for _ in range(4)]
    found = groups([*one, *other, told(1, 2, 11)])
    assert found[:8] == [0, 0, 0, 0, 4, 4, 4, 4]


def test_the_meanings_of_a_group_count_as_those_of_its_pairs():
    """Whether two groups are one depends on all of both that have a meaning: half of them alike is half as much."""
    same, other = np.eye(384, dtype=np.float32)[:2]
    few = [told(1, 2, 3, 4, 5, 6), told(1, 2, 3, 4, 5, 7), told(1, 12, 13, 14, 15, 16)]

    def found(*meanings: Floats | None) -> list[int]:
        return groups([each._replace(meaning=meaning) for each, meaning in zip(few, meanings, strict=True)])

    assert found(None, None, None) == found(same, same, None) == [0, 0, 0]
    assert found(same, same, same) == [0, 0, 0]
    assert found(same, same, other) == [0, 0, 2]
    assert found(same, same, 0.2 * same + 0.98 * other) == [0, 0, 2]
    assert found(same, same, 0.4 * same + 0.92 * other) == [0, 0, 0]
    assert found(same, None, other) == [0, 0, 0]


def test_where_it_is_crowded_being_alike_says_less():
    """The same two stories are one happening alone, and two in a crowd."""
    two = [told(1, 2, 3, 4, 5, 6, 7, 8), told(1, 2, 11, 12, 13, 14, 15, 16)]
    assert groups(two) == [0, 0]
    assert groups(two, MOST_CROWDED) == [0, 1]


def test_the_same_words_a_week_later_are_another_happening():
    """A match is played every week."""
    assert groups([told(1, 2, 3), told(1, 2, 3, hours=24 * 7)]) == [0, 1]


def test_an_event_of_hundreds_of_stories_stays_whole():
    """Its stories crowd each other, up to a limit."""
    stories = [told(*range(6), 100 + 3 * n, 101 + 3 * n, 102 + 3 * n) for n in range(120)]
    how = alike(stories)
    assert set(grouped(stories, how, [crowding(list(each.values())) for each in how])) == {0}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True), max_size=10), st.data())
def test_the_order_in_which_the_likenesses_are_told_makes_no_difference(lists: list[list[int]], data: st.DataObject):
    """Groups depend on the stories alone; every story is in the group of a story before it or its own."""
    stories = [told(*sorted(terms)) for terms in lists]
    how = alike(stories)
    shuffled = [dict(data.draw(st.permutations(list(each.items())))) for each in how]
    found = grouped(stories, how, [0.0] * len(stories))
    assert found == grouped(stories, shuffled, [0.0] * len(stories))
    assert all(first <= at and found[first] == first for at, first in enumerate(found))
