"""One language, one meaning: a table of queries over a set of stories, answered alike by every store."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.search.folding import lines
from pipeline.search.language import query_of
from pipeline.store.roles import Store
from pipeline.store.search import Count, SearchRequest
from tests.contract.told import NOW, STORIES

TABLE = Path(__file__).with_name("queries.tsv")
QUERIES = [
    (query, found)
    for query, found in csv.reader(TABLE.read_text(encoding="utf-8").splitlines(), delimiter="\t", quoting=csv.QUOTE_NONE)
]


@pytest.fixture
def told(store: Store) -> Store:
    store.stories.put(STORIES)
    return store


def test_every_query_finds_the_same_stories_on_every_store(told: Store):
    """The table says which; newest first or by relevance, whatever the size of a page."""
    wrong = {}
    for query, expected in QUERIES:
        asked = query_of(query, NOW)
        newest = [found.read.story.id for found in told.stories.search(SearchRequest(asked, limit=99)).found]
        best = [found.read.story.id for found in told.stories.search(SearchRequest(asked, by_relevance=True, limit=99)).found]
        if not sorted(newest) == sorted(best) == sorted(expected):
            wrong[query] = ("".join(newest), "".join(best), expected)
    assert not wrong


def test_the_table_is_as_large_as_it_is_said_to_be():
    """At least 120 queries, none twice, and every field among them."""
    queries = [query for query, _ in QUERIES]
    assert len(queries) == len(set(queries)) >= 120
    for field in (
        "title",
        "text",
        "entity",
        "pair",
        "topic",
        "source",
        "feed",
        "lang",
        "event",
        "watch",
        "is",
        "since",
        "published",
    ):
        assert any(f"{field}:" in query for query in queries)


@pytest.mark.parametrize("query", ["*", "the OR musk", "musk", "since:1d", "(musk AND published:2026-11-17) OR topic:sport"])
def test_pages_of_one_story_hold_what_one_large_page_holds(told: Store, query: str):
    """Newest first, each story once."""
    asked = query_of(query, NOW)
    whole = [found.read.story.id for found in told.stories.search(SearchRequest(asked, limit=99)).found]
    paged: list[str] = []
    after: str | None = None
    while len(paged) <= len(whole):
        page = told.stories.search(SearchRequest(asked, limit=1, after=after))
        paged += [found.read.story.id for found in page.found]
        after = page.next
        if after is None:
            break
    assert paged == whole


def test_results_are_newest_first(told: Store):
    """By the second of publication."""
    found = told.stories.search(SearchRequest(limit=99)).found
    seconds = [each.read.story.published_at.replace(microsecond=0) for each in found]
    assert seconds == sorted(seconds, reverse=True)
    assert len(found) == len(STORIES)


def test_facets_count_every_story_that_is_found(told: Store):
    """The commonest first, names in alphabetical order where they are as common; days newest first."""
    facets = told.stories.facets(query_of("musk", NOW), limit=3)
    assert (facets.stories, facets.is_whole) == (5, True)
    assert facets.entities == (Count("Elon Musk", 5), Count("Vladimir Putin", 3), Count("Xi Jinping", 2))
    assert facets.pairs == (
        Count("Elon Musk + Vladimir Putin", 2),
        Count("Elon Musk + Kimbal Musk", 1),
        Count("Starlink + Taiwan", 1),
    )
    assert facets.topics == (Count("politics", 3), Count("conflict, war and peace", 2))
    assert facets.sources == (Count("daily.example", 2), Count("herald.example", 1), Count("monde.example", 1))
    assert facets.days == (Count("2026-11-24", 3), Count("2026-11-18", 1), Count("2026-11-17", 1))


def test_nothing_found_has_no_facets(told: Store):
    """Empty, and whole."""
    facets = told.stories.facets(query_of("nosuchword", NOW))
    assert (facets.stories, facets.is_whole, facets.entities, facets.days) == (0, True, (), ())


def test_an_event_is_one_line_with_its_number_of_stories(told: Store):
    """At the place of its newest story that was found."""
    page = lines(told.stories, query_of("the OR musk", NOW), 3)
    assert [(line.best.read.story.event_id, line.stories) for line in page.lines] == [("e-contact", 3), ("e-q", 1), ("e-e", 1)]
    assert page.lines[0].best.read.story.id == "c"


def test_pages_of_events_show_each_once_while_stories_arrive(told: Store):
    """A story that comes between two pages moves nothing, and hides no event that was still to come."""
    asked = query_of("the OR musk", NOW)
    late = next(read for read in STORIES if read.story.id == "s")
    told.stories.put(
        [late._replace(story=late.story._replace(id="old", event_id="e-contact", published_at=datetime(2025, 7, 1, tzinfo=UTC)))]
    )
    first = lines(told.stories, asked, 3)
    told.stories.put(
        [
            late._replace(story=late.story._replace(id=name, event_id=event, published_at=NOW))
            for name, event in (("new", "e-new"), ("more", "e-s"), ("again", "e-contact"))
        ]
    )
    shown = [line.best.read.story.event_id for line in first.lines]
    page = first
    while page.next:
        page = lines(told.stories, asked, 3, page.next)
        shown += [line.best.read.story.event_id for line in page.lines]
    assert shown == ["e-contact", "e-q", "e-e", "e-d", "e-s", "e-f", "e-v", "e-g", "e-h", "e-k", "e-m", "e-n"]


def test_a_result_can_be_the_end_of_a_range(told: Store):
    """Stories of an event are counted between two places, both included."""
    found = {each.read.story.id: each for each in told.stories.search(SearchRequest(limit=99)).found}
    asked = query_of("event:e-contact", NOW)
    assert told.stories.by_event(asked, ["e-contact", "e-q"]) == {"e-contact": 3}
    assert told.stories.by_event(asked, ["e-contact"], oldest=found["b"].place) == {"e-contact": 2}
    assert told.stories.by_event(asked, ["e-contact"], newest=found["b"].place) == {"e-contact": 2}
    assert told.stories.by_event(asked, ["e-contact"], found["b"].place, found["b"].place) == {"e-contact": 1}
