"""What a search of the stories is asked, and what it answers. Pure."""

from __future__ import annotations

from typing import NamedTuple

from pipeline.model import ReadStory
from pipeline.store.query import EVERYTHING, Query


class SearchRequest(NamedTuple):
    """A page of what a query finds."""

    query: Query = EVERYTHING
    by_relevance: bool = False
    """Best match first; else newest first."""
    limit: int = 20
    after: str | None = None
    """The `place` of a result: the page begins behind it (newest first only)."""
    is_of_all: bool = False
    """Also of what other processes wrote within the last second; that costs a server as much as many searches."""


class Found(NamedTuple):
    """A story that a search found, with the words that matched."""

    read: ReadStory
    place: str
    """Where it stands among all stories, newest first: the same as long as its second of publication is."""
    snippet: str
    """A line of the text around the first matches, each match between U+E000 and U+E001; empty where no word was asked for."""


class Page(NamedTuple):
    """A page of results; pass `next` as `after` for the following one."""

    found: tuple[Found, ...]
    next: str | None


class Count(NamedTuple):
    """How many stories of a search have something."""

    name: str
    stories: int


class Facets(NamedTuple):
    """What the stories of a search are about: the commonest of each kind, most stories first, then by name."""

    stories: int
    """How many stories were counted."""
    is_whole: bool
    """Whether these are all that the search finds; else they are the newest of them, and the counts an estimate of the shares."""
    entities: tuple[Count, ...] = ()
    pairs: tuple[Count, ...] = ()
    """Two names with ` + ` between, in alphabetical order."""
    topics: tuple[Count, ...] = ()
    sources: tuple[Count, ...] = ()
    days: tuple[Count, ...] = ()
    """Days of publication (UTC, `2026-11-24`), newest first."""
