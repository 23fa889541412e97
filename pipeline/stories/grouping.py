"""Which stories tell one happening: average linkage over those that are alike, less how crowded it is around them. No I/O.

Where everything is like everything, as on the day of an election, being alike says less: so half of how crowded it is around each
of two stories is taken off how alike they are. Crowding counts up to `MOST_CROWDED`: an event of hundreds of stories is crowded by
itself, and would else fall to pieces (without the limit, one of 115 stories in 66). And it counts from `LEAST_CROWDED`: of a few
stories about the same people, none has a neighbour that would tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from heapq import heapify, heappop, heappush
from typing import NamedTuple

import numpy as np

from pipeline.stories.likeness import SLOTS, Floats, Packed
from pipeline.stories.meaning import with_meaning

LEAST_ALIKE = 0.13
"""How alike the stories of two groups are on average, less crowding, where they tell one happening: the one threshold."""
LEAST_CROWDED, MOST_CROWDED = 0.10, 0.16
WINDOW = timedelta(hours=72)
"""Stories further apart are never compared; twice as far apart on average, groups have nothing in common. A configuration may say
another."""

_CROWD = (8, 40)
"""How crowded it is around a story is how alike these of its neighbours are, counted from the nearest: behind its own event's."""


class Told(NamedTuple):
    """A story as it is grouped: when, and what, as a vector of length one."""

    at: datetime
    terms: Packed
    weights: Floats
    meaning: Floats | None = None
    """What it means, as a vector of length one; None where no encoder has read it."""


def nearness(apart_s: float, window: timedelta = WINDOW) -> float:
    """What of a likeness is left where stories are so many seconds apart: nearly all within a third of the window, three quarters
    after all of it."""
    return max(0.0, 1.0 - (apart_s / (2 * window.total_seconds())) ** 2)


def crowding(alike: Sequence[float]) -> float:
    """How crowded it is around a story, by how alike others are to it, in any order; those that nobody found count as unlike."""
    first, last = _CROWD
    return min(MOST_CROWDED, max(LEAST_CROWDED, sum(sorted(alike, reverse=True)[first:last]) / (last - first)))


def grouped(
    told: Sequence[Told], alike: Sequence[Mapping[int, float]], crowded: Sequence[float], window: timedelta = WINDOW
) -> list[int]:
    """For each story the first story of its group.

    `alike` has for each the stories that may be of its event and how alike they are; `crowded` how crowded it is around each. The
    two groups that are most alike are made one until none are alike enough: every pair of their stories counts the same.
    """
    groups = {
        at: _Group(1, each.terms, each.weights, crowding, each.at.timestamp(), int(each.meaning is not None), each.meaning)
        for at, (each, crowding) in enumerate(zip(told, crowded, strict=True))
    }
    near: dict[int, set[int]] = {at: set() for at in groups}
    for at, others in enumerate(alike):
        for other, how in others.items():
            # Groups that are alike enough on average have at least two stories that are.
            if how >= LEAST_ALIKE and other != at:
                near[at].add(other)
                near[other].add(at)
    scales, age = _Scales(window), dict.fromkeys(groups, 0)
    heap = [
        (-score, at, other, 0, 0)
        for at in groups
        for other, score in scales.weighed(groups, at, sorted(o for o in near[at] if o > at))
    ]
    heapify(heap)
    first = list(range(len(told)))
    while heap:
        _, at, other, its_age, others_age = heappop(heap)
        if age.get(at) != its_age or age.get(other) != others_age:
            continue
        groups[at] = groups[at].with_(groups.pop(other))
        first[other] = at
        age[at] += 1
        del age[other]
        near[at] = (near[at] | near.pop(other)) - {at, other}
        for neighbour in near[at]:
            near[neighbour].discard(other)
            near[neighbour].add(at)
        for neighbour, score in scales.weighed(groups, at, sorted(near[at])):
            low, high = min(at, neighbour), max(at, neighbour)
            heappush(heap, (-score, low, high, age[low], age[high]))
    return [_root(first, at) for at in range(len(told))]


class _Group(NamedTuple):
    """Stories that tell one happening: their vectors added up, and the sums of the rest."""

    stories: int
    terms: Packed
    weights: Floats
    crowded: float
    seconds: float
    meant: int
    """How many have a meaning."""
    meaning: Floats | None

    def with_(self, other: _Group) -> _Group:
        terms, places = np.unique(np.concatenate([self.terms, other.terms]), return_inverse=True)
        weights = np.bincount(places, np.concatenate([self.weights, other.weights])).astype(np.float32)
        return _Group(
            self.stories + other.stories,
            terms,
            weights,
            self.crowded + other.crowded,
            self.seconds + other.seconds,
            self.meant + other.meant,
            other.meaning if self.meaning is None else self.meaning if other.meaning is None else self.meaning + other.meaning,
        )


class _Scales:
    """Weighs groups against one, whose vector is laid out meanwhile."""

    def __init__(self, window: timedelta) -> None:
        self._window = window
        self._laid = np.zeros(SLOTS, dtype=np.float32)

    def weighed(self, groups: Mapping[int, _Group], at: int, others: Sequence[int]) -> list[tuple[int, float]]:
        """Those of `others` that are alike enough to the group `at`, with how much."""
        one = groups[at]
        self._laid[one.terms] = one.weights
        found = [(other, self._score(one, groups[other])) for other in others]
        self._laid[one.terms] = 0
        return [(other, score) for other, score in found if score >= LEAST_ALIKE]

    def _score(self, one: _Group, other: _Group) -> float:
        pairs = one.stories * other.stories
        average = float(self._laid[other.terms] @ other.weights) / pairs
        if one.meaning is not None and other.meaning is not None:
            meant = one.meant * other.meant
            # Where only some have a meaning, their words count as alike as those of all.
            average += meant / pairs * (with_meaning(average, float(one.meaning @ other.meaning) / meant) - average)
        apart_s = one.seconds / one.stories - other.seconds / other.stories
        return average * nearness(apart_s, self._window) - (one.crowded / one.stories + other.crowded / other.stories) / 2


def _root(first: Sequence[int], at: int) -> int:
    while first[at] != at:
        at = first[at]
    return at
