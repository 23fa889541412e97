"""Two stories that turn out to be one, through the chain's own steps: nothing is lost, told twice, or found under no id."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.alerts.beam import QueueAlerts
from pipeline.cli.records import records
from pipeline.config import Settings
from pipeline.jobs.ingest import Settle
from pipeline.model import Hit, ItemVersion, Passage, Reading, hit_id
from pipeline.search.beam import IndexStories
from pipeline.stories.beam import FinishStories, Identify, PlaceCopies
from tests.fakes import MemoryStore
from tests.stories.test_identify import LONG, NOON, sighted

ADDRESS = "sqlite:///unused"


class DiedError(BaseException):
    """Not an error of a story: the process is gone."""


class Mortal:
    """A store whose caller dies at its nth word, before or after it is done."""

    def __init__(self, store: Any, words: list[int], *, after: bool) -> None:
        self._store, self._words, self._after = store, words, after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._store, name)
        if not callable(found):
            return Mortal(found, self._words, after=self._after)

        def call(*given: Any, **named: Any) -> Any:
            self._words[0] -= 1
            if self._words[0] == 0 and not self._after:
                raise DiedError
            answer = found(*given, **named)
            if self._words[0] == 0:
                raise DiedError
            return answer

        return call


class Chain:
    """The steps of the chain without reading: every story hits the watch."""

    def __init__(self, store: Any) -> None:
        self.identify = Identify(ADDRESS, lambda: NOON)
        self.index = IndexStories(ADDRESS, Settle(Settings(), lambda: NOON), lambda: NOON)
        self.place = PlaceCopies(ADDRESS, lambda: NOON)
        self.queue = QueueAlerts(ADDRESS, {"watch": ["desk"]}, lambda: NOON)
        self.finish = FinishStories(ADDRESS, lambda: NOON)
        for step in (self.identify, self.index, self.place, self.queue, self.finish):
            step.store = store

    def take(self, ids: Sequence[str]) -> None:
        (passages,) = self.identify.process(tuple(ids))
        self.go_on(passages)

    def go_on(self, passages: Sequence[Passage]) -> None:
        for stored in self.index.process(tuple(map(read, passages))):
            for placed in self.place.process(tuple(map(matched, stored))):
                for queued in self.queue.process(placed):
                    self.finish.process(queued)


def read(passage: Passage) -> Passage:
    return passage if passage.reading else passage._replace(reading=Reading(passage.story.versions[-1].id))


def matched(passage: Passage) -> Passage:
    story = passage.story
    return passage._replace(hits=(Hit(hit_id(story.id, "watch"), story.id, story.event_id, "watch", (), (), NOON),))


def landed(store: Any, *versions: ItemVersion) -> list[str]:
    store.landing.land(versions, NOON)
    return [version.id for version in versions]


FIRST = sighted("1", "https://example.org/a", "Ministers meet")
SECOND = sighted("2", "https://example.org/b", "Ministers met", seen=1)
BOTH = sighted("2", "https://example.org/a", "Ministers met again", seen=2)


def end(store: Any) -> list[tuple[str, tuple[str, ...], int]]:
    return [(read.story.title, tuple(v.title for v in read.story.versions), len(read.story.feeds)) for read in store.stories.all()]


def test_a_text_is_told_once_whichever_copy_comes_first() -> None:
    """In one batch or two: the copy is known for one before anybody is told, and joins the alert of what was told before."""
    original = sighted("1", "https://agency.example/a", "Ministers meet", LONG, published=-5)
    copy = sighted("2", "https://paper.example/b", "Our ministers", LONG + " By our desk.", seen=1)
    for batches in ([[original], [copy]], [[copy], [original]], [[copy, original]]):
        store = MemoryStore()
        chain = Chain(store)
        for batch in batches:
            chain.take(landed(store, *batch))
        [alert] = store.outbox.alerts()
        stories = {read.story.source: read.story for read in store.stories.all()}
        assert set(alert.story_ids) == {story.id for story in stories.values()}
        assert {story.event_id for story in stories.values()} == {alert.event_id}
        assert stories["paper.example"].duplicate_of == stories["agency.example"].id
        assert len(store.outbox.deliveries([alert.id])) == 1


def test_what_two_were_told_of_is_not_told_again() -> None:
    """The alerts of both stand, no third is made, and exports follow to the story that they are now."""
    store = MemoryStore()
    chain = Chain(store)
    for version in (FIRST, SECOND, BOTH):
        chain.take(landed(store, version))
    [story] = [read.story for read in store.stories.all()]
    assert len(list(store.outbox.alerts())) == len(list(store.outbox.hits())) == 2
    assert [record["story_id"] for record in records(store, "hits", full=False)] == [story.id]
    assert {id for record in records(store, "alerts", full=False) for id in record["stories"]} == {story.id}
    assert [record["versions"] for record in records(store, "stories", full=False)] == [3]
    assert store.landing.unfinished_count() == 0


def test_what_somebody_writes_under_the_younger_id_meanwhile_is_in_the_older() -> None:
    """A passage that was identified before the two were one finds where its story went."""
    store = MemoryStore()
    chain = Chain(store)
    chain.take(landed(store, FIRST))
    chain.take(landed(store, SECOND))
    edit = sighted("2", "https://example.org/b", "Ministers gone", seen=9)
    (slow,) = chain.identify.process(tuple(landed(store, edit)))
    chain.take(landed(store, BOTH))
    chain.go_on(slow)
    assert end(store) == [("Ministers gone", ("Ministers meet", "Ministers met", "Ministers met again", "Ministers gone"), 1)]


def test_two_that_join_three_stories_at_once_end_with_one() -> None:
    """Each merges the younger of its two into another: who is slower follows, and all are one."""
    store = MemoryStore()
    chain = Chain(store)
    third = sighted("3", "https://example.org/c", "Ministers talk", seen=3)
    chain.take(landed(store, FIRST, SECOND, third))
    (some,) = chain.identify.process(tuple(landed(store, sighted("3", "https://example.org/a", "Ministers talk on", seen=4))))
    (more,) = chain.identify.process(tuple(landed(store, sighted("3", "https://example.org/b", "Ministers talk more", seen=5))))
    chain.go_on(more)
    chain.go_on(some)
    [(title, versions, _)] = end(store)
    assert (title, len(versions)) == ("Ministers talk more", 5)


VERSIONS = [
    FIRST,
    SECOND,
    BOTH,
    sighted("9", "https://other.example/9", "Ours", LONG, published=-4),
    sighted("8", "https://second.example/8", "Theirs", LONG + " By our desk.", published=-9),
    sighted("7", "https://third.example/7", "Also", "Our desk: " + LONG, published=-2),
]


def outcome(store: Any) -> list[tuple[str, tuple[str, ...], str | None]]:
    url = {read.story.id: read.story.url for read in store.stories.all()}
    return sorted(
        (read.story.title, tuple(v.title for v in read.story.versions), url.get(read.story.duplicate_of or ""))
        for read in store.stories.all()
    )


@pytest.fixture(scope="module")
def expected() -> list[tuple[str, tuple[str, ...], str | None]]:
    store = MemoryStore()
    Chain(store).take(landed(store, *VERSIONS))
    assert len(outcome(store)) == 4
    return outcome(store)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.lists(st.integers(1, 12), max_size=6), st.booleans())
def test_any_order_in_any_batches_with_any_crash_ends_the_same(expected, seed: int, deaths: list[int], after: bool) -> None:
    """Cut off at any word to the store and taken up again: the same stories, wordings, copies, and no hit twice."""
    rng, store = random.Random(seed), MemoryStore()
    store.landing.land(VERSIONS, NOON)
    left = [version.id for version in rng.sample(VERSIONS, len(VERSIONS))]
    while left:
        batch = rng.sample(left, rng.randint(1, len(left)))
        mortal = Mortal(store, [deaths.pop() if deaths else 0], after=after)
        try:
            Chain(mortal).take(batch)
        except DiedError:
            continue
        left = [id for id in left if id not in batch]
    assert outcome(store) == expected
    assert store.landing.unfinished_count() == 0
