"""What is too old is dropped, a part at a time; what is not finished, and what a waiting delivery tells of, stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from pipeline.model import Alert, Delivery, Event, Hit, Item, ItemVersion, ReadStory, Sketch
from pipeline.search.language import query_of
from pipeline.store.elasticsearch.indices import GENERATIONS
from pipeline.store.elasticsearch.store import ElasticsearchStore
from pipeline.store.roles import Store
from pipeline.store.search import SearchRequest
from pipeline.store.sqlite.store import SqliteStore
from tests.contract.conftest import ON_ELASTICSEARCH, on_elasticsearch
from tests.contract.told import NOW, STORIES

DAYS = timedelta(days=400)


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db")
    yield store
    store.close()


@pytest.fixture
def cluster(elasticsearch_url: str) -> Iterator[ElasticsearchStore]:
    yield from on_elasticsearch(elasticsearch_url)


def alert(name: str, story: str, at: datetime) -> Alert:
    return Alert(name, "musk-putin", name, (story,), "Title", None, "news.example", at, (), (), at)


def tell(store: Store, at: datetime, told: str, waits: str) -> None:
    """Two hits and alerts at `at`: one on the story `told` whose delivery is done, one on `waits` whose delivery waits."""
    store.outbox.tell(
        [Hit(f"h-{id}", id, id, "musk-putin", (), (), at) for id in (told, waits)],
        [alert(f"a-{told}", told, at), alert(f"a-{waits}", waits, at)],
        [
            Delivery(f"d-{told}", f"a-{told}", "desk", "delivered", None),
            Delivery(f"d-{waits}", f"a-{waits}", "desk", "waiting", at),
        ],
    )


def kept(store: Store) -> tuple[str, list[str], list[str]]:
    """The stories, hits and alerts that there are."""
    stories = "".join(sorted(read.story.id for read in store.stories.all()))
    return stories, [hit.id for hit in store.outbox.hits()], [alert.id for alert in store.outbox.alerts()]


def tend(store: Store, now: datetime, stories_for: timedelta) -> int:
    """Until there is no more to do; how often it was called."""
    times = 1
    while store.tend(now, stories_for):
        times += 1
    return times


def story_of(name: str, at: datetime) -> ReadStory:
    return STORIES[0]._replace(story=STORIES[0].story._replace(id=name, published_at=at, event_id=f"e-{name}"))


def test_sqlite_drops_what_was_published_too_long_ago(sqlite: SqliteStore):
    """With its hits and alerts, from the search too; but not the story that a waiting delivery tells of, nor what is unfinished."""
    sqlite.stories.put(STORIES)
    sqlite.landing.land([ItemVersion("v", Item("f", "v", None, "v", "", is_html=False), NOW - 2 * DAYS)], NOW)
    tell(sqlite, NOW - DAYS - timedelta(seconds=1), told="n", waits="p")
    tell(sqlite, NOW, told="a", waits="b")
    assert tend(sqlite, NOW, DAYS) == 1
    stories, hits, alerts = kept(sqlite)
    assert stories == "abcdefghijklmpqrstuv"
    assert hits == ["h-a", "h-b"]
    assert sorted(alerts) == ["a-a", "a-b", "a-p"]
    assert [each.id for each in sqlite.outbox.deliveries(["a-n", "a-p"])] == ["d-p"]
    assert sqlite.landing.unfinished_count() == 1
    found = sqlite.stories.search(SearchRequest(query_of("final OR leap", NOW))).found
    assert [each.read.story.id for each in found] == ["p"]
    assert sqlite.stories.facets(query_of("*", NOW)).stories == 20
    sqlite.outbox.record([Delivery("d-p", "a-p", "desk", "delivered", None)])
    tend(sqlite, NOW, DAYS)
    assert "p" not in kept(sqlite)[0]


def test_what_is_known_of_stories_goes_with_them(sqlite: SqliteStore):
    """Their sketches, also those that were kept lately; and events that have had no story since."""
    sqlite.stories.put([story_of(name, at) for name, at in (("old", NOW - 2 * DAYS), ("new", NOW))])
    for name, at in (("old", NOW - 2 * DAYS), ("new", NOW)):
        sqlite.events.keep([Sketch(name, f"e-{name}", "news.example", at, (1,), b"terms")], NOW)
        sqlite.events.record([Event(f"e-{name}", "Headline", 1, (), at, at, 1)])
    tend(sqlite, NOW, DAYS)
    assert list(sqlite.events.of_stories(["old", "new"])) == ["new"]
    assert [event.id for event in sqlite.events.records()] == ["e-new"]


def test_sqlite_drops_a_batch_at_a_time(sqlite: SqliteStore):
    """The service goes on between two."""
    old = STORIES[0].story._replace(published_at=NOW - 2 * DAYS)
    sqlite.stories.put([STORIES[0]._replace(story=old._replace(id=f"s{n}", event_id=f"e{n}")) for n in range(450)])
    assert sqlite.tend(NOW, DAYS)
    assert sqlite.stories.count() == 250
    assert tend(sqlite, NOW, DAYS) == 2
    assert sqlite.stories.count() == 0


@pytest.mark.parametrize("store", ["sqlite", pytest.param("cluster", marks=ON_ELASTICSEARCH)])
def test_without_an_age_everything_stays(store: str, request: pytest.FixtureRequest):
    """However old it is."""
    kept_in: Store = request.getfixturevalue(store)
    kept_in.stories.put(STORIES)
    tell(kept_in, NOW - 10 * DAYS, told="a", waits="b")
    assert not kept_in.tend(NOW + 10 * DAYS)
    assert kept_in.stories.count() == len(STORIES)
    assert len(list(kept_in.outbox.alerts())) == 2


@pytest.mark.parametrize("waits", [True, False])
class TestOnElasticsearch:
    """Whole generations, by our own clock."""

    pytestmark = ON_ELASTICSEARCH

    def test_a_generation_goes_when_all_in_it_is_too_old(self, cluster: ElasticsearchStore, *, waits: bool):
        """Not before, and not while a waiting delivery tells of a story in it; the newest stays."""
        age = GENERATIONS["stories"].age
        cluster.tend(NOW)
        cluster.stories.put(STORIES[:3])
        tell(cluster, NOW, told="a", waits="b")
        cluster.tend(NOW + age, DAYS)
        cluster.stories.put(STORIES[3:5])
        cluster.tend(NOW + DAYS, DAYS)
        assert kept(cluster)[0] == "abcde"
        if not waits:
            cluster.outbox.record([Delivery("d-b", "a-b", "desk", "delivered", None)])
        later = NOW + age + DAYS + timedelta(seconds=1)
        tend(cluster, later, DAYS)
        assert kept(cluster) == (("abcde" if waits else "de"), [], ["a-b"] if waits else [])
        edited = STORIES[3]._replace(story=STORIES[3].story._replace(title="Corrected"), revision=1)
        assert cluster.stories.put([edited, STORIES[6]]) == set()
        assert cluster.stories.count() == (6 if waits else 3)
