"""Results as people read them: one line an event, at the place of its newest story that was found. No Beam, no clock.

Pages stay stable while stories arrive: what a later page leaves out is what an earlier page showed, counted back to the newest
story of the first page, and nothing that came since.
"""

from __future__ import annotations

from typing import NamedTuple

from pipeline.store.query import EVERYTHING, Query
from pipeline.store.roles import Stories
from pipeline.store.search import Found, SearchRequest

_MOST_READ = 1_000
"""Stories that one page looks through: a day of one event alone may fill more than any page."""


class Line(NamedTuple):
    """An event in a page of results."""

    best: Found
    """Its newest story that was found; by relevance, its best."""
    stories: int
    """How many of its stories were found, that one included."""


class Lines(NamedTuple):
    """A page of lines; pass `next` as `after` for the following one."""

    lines: tuple[Line, ...]
    next: str | None


def lines(stories: Stories, query: Query = EVERYTHING, limit: int = 20, after: str | None = None) -> Lines:
    """A page of events that have stories `query` finds, newest first. Raises `ConfigError` where `after` is no `next` of a page."""
    newest, slash, behind = (after or "").partition("/")
    begins = behind if slash else after
    best: dict[str, Found] = {}
    read = 0
    while read < _MOST_READ:
        page = stories.search(SearchRequest(query, limit=2 * limit, after=begins if not read else behind))
        newest = newest or (page.found[0].place if page.found else "")
        fresh = _fresh(stories, query, page.found, begins, newest)
        for found in page.found:
            event = found.read.story.event_id
            if event not in fresh or event in best:
                continue
            if len(best) == limit:
                return Lines(_counted(stories, query, best), f"{newest}/{behind}")
            best[event] = found
            behind = found.place
        if page.next is None:
            return Lines(_counted(stories, query, best), None)
        read += len(page.found)
        behind = page.next
    return Lines(_counted(stories, query, best), f"{newest}/{behind}")


def best_lines(stories: Stories, query: Query, limit: int = 20) -> Lines:
    """The events of the best matches, best first; one page."""
    found = stories.search(SearchRequest(query, by_relevance=True, limit=min(5 * limit, _MOST_READ))).found
    best: dict[str, Found] = {}
    for each in found:
        best.setdefault(each.read.story.event_id, each)
    return Lines(_counted(stories, query, dict(list(best.items())[:limit])), None)


def each_story(stories: Stories, query: Query, limit: int = 20, after: str | None = None, *, by_relevance: bool = False) -> Lines:
    """A page of stories, each a line of its own."""
    page = stories.search(SearchRequest(query, by_relevance, limit, after))
    return Lines(tuple(Line(found, 1) for found in page.found), page.next)


def _fresh(stories: Stories, query: Query, found: tuple[Found, ...], begins: str | None, newest: str) -> set[str]:
    """The events of `found` that no earlier page showed: none of their stories that `query` finds stands before this page."""
    events = {each.read.story.event_id for each in found}
    return events - stories.by_event(query, events, begins, newest).keys() if begins and events else events


def _counted(stories: Stories, query: Query, best: dict[str, Found]) -> tuple[Line, ...]:
    counts = stories.by_event(query, best) if best else {}
    return tuple(Line(found, counts.get(event, 1)) for event, found in best.items())
