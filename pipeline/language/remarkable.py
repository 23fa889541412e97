"""How remarkable a pair is against what the stream has seen: Dunning's log-likelihood ratio over a window of stories.

A pair is expected as often as in the stories before, or as often as two names as common as these meet by chance, whichever is more.
So neither an old couple that is simply in the news again nor two names of the day that stand in everything rank high.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from math import log
from typing import NamedTuple

from pipeline.store.search import Count, Facets

LEAST_STORIES = 2
"""One story tells of no pattern."""
_BETWEEN = " + "


class Remarkable(NamedTuple):
    """A pair that turns up more often than was to be expected."""

    a: str
    b: str
    score: float
    """The log-likelihood ratio, 2·ln: 10.8 would be chance once in a thousand pairs."""
    stories: int
    """In the recent part of the window."""
    before: int
    """In the part before."""
    expected: float
    """How many stories it was expected in."""

    @property
    def is_new(self) -> bool:
        return self.before == 0


def remarkable(recent: Facets, window: Facets, among: Collection[str] | None = None) -> list[Remarkable]:
    """The pairs of `recent` that are new or rising in `window`, which `recent` is the latest part of; the highest score first.

    Both are of the whole stream; of its pairs only those `among` are looked at, as facets name them.
    """
    earlier = _counts(window.pairs)
    named = _counts(recent.entities)
    stories_before = max(0, window.stories - recent.stories)
    found = []
    for counted in recent.pairs:
        names = _names(counted.name, named)
        if names is None or counted.stories < LEAST_STORIES or (among is not None and counted.name not in among):
            continue
        before = max(0, earlier.get(counted.name, 0) - counted.stories)
        by_chance = named[names[0]] * named[names[1]] / recent.stories**2
        share = max(by_chance, before / stories_before if stories_before else 0.0)
        if counted.stories > share * recent.stories:
            score = log_likelihood(counted.stories, recent.stories, share)
            found.append(Remarkable(*names, round(score, 2), counted.stories, before, round(share * recent.stories, 2)))
    return sorted(found, key=lambda pair: (-pair.score, pair.a, pair.b))


def log_likelihood(count: int, total: int, share: float) -> float:
    """2·ln of how much likelier `count` of `total` is under its own share than under the `share` expected."""
    rest = total - count
    score = count * log(count / (total * share)) if count else 0.0
    score += rest * log(rest / (total * (1 - share))) if rest and share < 1 else 0.0
    return max(0.0, 2 * score)


def _counts(counts: Sequence[Count]) -> dict[str, int]:
    return {count.name: count.stories for count in counts}


def _names(pair: str, named: dict[str, int]) -> tuple[str, str] | None:
    """The two names of a pair; None where one is so rare that it was not counted. A name may hold what stands between two."""
    parts = pair.split(_BETWEEN)
    for at in range(1, len(parts)):
        a, b = _BETWEEN.join(parts[:at]), _BETWEEN.join(parts[at:])
        if a in named and b in named:
            return a, b
    return None
