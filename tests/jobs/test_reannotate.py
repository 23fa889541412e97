"""Stored stories again: read and matched as it is done today, by whoever and however often, and nobody told twice."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import RLock
from typing import Any

import apache_beam as beam
import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.jobs.ingest import Settle
from pipeline.jobs.reannotate import FindStories, Progress, Reannotate, reannotate
from pipeline.language.edition import edition
from pipeline.language.pool import close_pools
from pipeline.model import Hit, Item, Passage, Reading, ReadStory, stable_id
from pipeline.search.language import query_of
from pipeline.store.address import address_of, close_stores, keep_open
from pipeline.store.query import EVERYTHING
from pipeline.store.sqlite.store import SqliteStore
from pipeline.stories.versions import story_of
from tests.fakes import MemoryStore, MemoryStories
from tests.jobs.faltering import Faltering, When
from tests.jobs.runners import Portable, Runner

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MUSK = {"name": "Elon Musk", "kind": "person"}
PUTIN = {"name": "Vladimir Putin", "kind": "person"}
TOGETHER = {"name": "musk-putin", "all": ["musk", "putin"], "alert": ["desk"]}
ALONE = {"name": "putin", "all": ["putin"], "alert": ["desk"]}


def configured(*watches: Mapping[str, Any], **entities: Mapping[str, Any]) -> Settings:
    return Settings.model_validate(
        {
            "store": "sqlite:///in-memory-once-more",
            "processes": 1,
            "entities": entities,
            "watches": watches,
            "webhooks": {"desk": {"url": "http://127.0.0.1:9/", "secret": "whsec_" + "A" * 32}},
        }
    )


TODAY = configured(TOGETHER, ALONE, musk=MUSK, putin=PUTIN)


def stored(n: int, text: str, *, days_ago: int = 0) -> ReadStory:
    """A story as an older language stage left it: it found nobody."""
    seen_at = NOW - timedelta(days=days_ago)
    item = Item("https://news.example/rss", f"g{n}", None, f"Story {n}", text, is_html=False, published_at=seen_at)
    story = story_of(f"s{n}", item, item.title, text, seen_at)
    return ReadStory(story, Reading(story.versions[-1].id))


STORIES = (
    stored(1, "Elon Musk met Vladimir Putin."),
    stored(2, "Vladimir Putin spoke in Moscow.", days_ago=3),
    stored(3, "It rained.", days_ago=9),
)


@pytest.fixture
def store() -> Iterator[MemoryStore]:
    yield full()
    close_stores()


@pytest.fixture(scope="module", autouse=True)
def _one_pool() -> Iterator[None]:
    yield
    close_pools()


def full() -> MemoryStore:
    memory = MemoryStore()
    memory.stories.put(STORIES)
    keep_open(address_of(TODAY), memory)
    return memory


def again(settings: Settings = TODAY, query: str = "", *, tells: bool = False) -> Progress:
    progress = Progress()
    reannotate(settings, query_of(query, NOW), progress, tells=tells, clock=lambda: NOW)
    return progress


def found(memory: MemoryStore) -> dict[str, tuple[list[str], tuple[str, ...]]]:
    """Of each story, whom it names and what it matches."""
    return {
        read.story.id: (sorted(entity.key for entity in read.reading.entities if ":" not in entity.key), read.watches)
        for read in memory.stories.all()
    }


def hits(memory: MemoryStore) -> list[tuple[str, str, bool]]:
    return sorted((hit.story_id, hit.watch, hit.alert_id is not None) for hit in memory.outbox.hits())


def test_stories_are_read_matched_and_indexed_as_today_and_nobody_is_told(store: MemoryStore) -> None:
    """What matches for the first time is kept as a hit, and alerts nobody unless asked."""
    progress = again()
    assert found(store) == {"s1": (["musk", "putin"], ("musk-putin", "putin")), "s2": (["putin"], ("putin",)), "s3": ([], ())}
    assert hits(store) == [("s1", "musk-putin", False), ("s1", "putin", False), ("s2", "putin", False)]
    assert list(store.outbox.alerts()) == []
    assert (progress.total, progress.found, progress.counts["stories_read"], progress.counts["hits"]) == (3, 3, 3, 3)
    assert {read.reading.edition for read in store.stories.all()} == {edition(TODAY.entities)}


def test_with_alert_only_what_was_not_known_is_told(store: MemoryStore) -> None:
    """A hit that was kept silently, or told, is known."""
    store.outbox.tell([Hit(stable_id("hit", "s2", "putin"), "s2", "e", "putin", (), (), NOW)], [], [])
    again(tells=True)
    assert hits(store) == [("s1", "musk-putin", True), ("s1", "putin", True), ("s2", "putin", False)]
    assert len(list(store.outbox.alerts())) == 2
    again(tells=True)
    assert len(list(store.outbox.alerts())) == 2


def test_a_second_time_nothing_is_read_or_written(store: MemoryStore) -> None:
    """What is read as today and stored just so costs a look."""
    again()
    before = list(store.stories.all())
    counts = again().counts
    assert (counts["stories_read"], counts["stories_indexed"], counts["hits"]) == (0, 0, 0)
    assert list(store.stories.all()) == before


def test_a_changed_watch_reads_nothing(store: MemoryStore) -> None:
    """Only entities are read for: stories are matched anew, and written where they match otherwise."""
    again()
    counts = again(configured(TOGETHER, musk=MUSK, putin=PUTIN)).counts
    assert (counts["stories_read"], counts["stories_indexed"]) == (0, 2)
    assert {id: watches for id, (_, watches) in found(store).items()} == {"s1": ("musk-putin",), "s2": (), "s3": ()}


def test_a_changed_entity_reads_everything(store: MemoryStore) -> None:
    """It may stand in any story."""
    again()
    assert again(configured(musk=MUSK, putin=PUTIN | {"aliases": ["the president"]})).counts["stories_read"] == 3


def test_a_query_says_which_stories(store: MemoryStore) -> None:
    """The others stay as they are."""
    progress = again(query="since:5d putin")
    assert (progress.total, progress.found) == (2, 2)
    assert {read.story.id for read in store.stories.all() if read.reading.edition} == {"s1", "s2"}


def test_many_stories_are_each_read_once(tmp_path: Path) -> None:
    """Page after page, in a real store in which they are written again meanwhile."""
    with closing(SqliteStore(tmp_path / "store.db")) as kept:
        kept.stories.put([stored(n, "Vladimir Putin spoke.", days_ago=n % 3) for n in range(300)])
        keep_open(address_of(TODAY), kept)
        progress = again()
        assert (progress.found, progress.counts["stories_read"], progress.counts["stories_indexed"]) == (300, 300, 300)
        assert again().counts["stories_indexed"] == 0
    close_stores()


def test_a_stop_ends_it_and_the_next_run_goes_on(store: MemoryStore) -> None:
    """Nothing is read twice."""
    progress = Progress()
    progress.stop.set()
    reannotate(TODAY, EVERYTHING, progress)
    assert progress.counts["stories_read"] == 0
    assert again().counts["stories_read"] == 3


class Overtaken(MemoryStories):
    """Stories of which somebody else writes some just before the first write."""

    theirs: Sequence[ReadStory] = ()

    def put(self, stories: Sequence[ReadStory]) -> set[str]:
        theirs, self.theirs = self.theirs, ()
        super().put(theirs)
        return super().put(stories)


def test_a_service_that_writes_meanwhile_loses_nothing(store: MemoryStore) -> None:
    """A wording that came in between is the current one, with the reading that the service made of it."""
    newer = stored(2, "Vladimir Putin spoke in Omsk.", days_ago=1).story
    reading = Reading(newer.versions[-1].id, edition=edition(TODAY.entities))
    store.stories = overtaken = Overtaken(RLock())
    overtaken.put(STORIES)
    overtaken.theirs = [ReadStory(newer, reading, revision=1)]
    again()
    kept = store.stories.get(["s2"])["s2"]
    assert (kept.story.text, kept.reading, len(kept.story.versions)) == ("Vladimir Putin spoke in Omsk.", reading, 2)
    assert found(store)["s1"] == (["musk", "putin"], ("musk-putin", "putin"))


def test_what_a_service_carried_over_does_not_undo_it(store: MemoryStore) -> None:
    """A reading of today's edition is kept, whoever wrote last."""
    again()
    (today,) = store.stories.get(["s1"]).values()
    carried = Passage(today.story, ("v",), False, 1, reading=STORIES[0].reading)
    assert Settle(TODAY, now)({"s1": today}, carried).reading == today.reading


def test_it_may_break_off_anywhere(runner: Runner) -> None:
    """At any call to the store, before or after; run again until it ends, it ends in the same, and nobody is told twice."""
    job = runner.job(
        lambda pipeline: (
            pipeline
            | beam.Create(["start"], reshuffle=False)
            | beam.ParDo(FindStories(address_of(TODAY), EVERYTHING, None, now))
            | Reannotate(TODAY, now, tells=True)
        )
    )

    @examples(max_examples=3 if isinstance(runner, Portable) else 25, deadline=None, database=None)
    @given(st.dictionaries(st.integers(1, 12), st.sampled_from(["before", "after"]), min_size=1, max_size=3))
    def any_time(away: dict[int, When]) -> None:
        memory = full()
        keep_open(address_of(TODAY), Faltering(memory, away))
        for _ in range(len(away) + 1):
            try:
                job.run()
                break
            except TransientError:
                pass
        assert found(memory) == {"s1": (["musk", "putin"], ("musk-putin", "putin")), "s2": (["putin"], ("putin",)), "s3": ([], ())}
        assert hits(memory) == [("s1", "musk-putin", True), ("s1", "putin", True), ("s2", "putin", True)]
        assert len(list(memory.outbox.alerts())) == 3

    any_time()
    close_stores()


def now() -> datetime:
    return NOW
