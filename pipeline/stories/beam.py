"""Stories as steps of the chain: what was landed and never finished, whose story it is, and the end of the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog

from pipeline.clock import Clock, utc_now
from pipeline.model import ItemVersion, Passage, Story
from pipeline.store.address import StoreAddress
from pipeline.store.beam import LEASE, Step, batches
from pipeline.stories.identify import identify
from pipeline.stories.on_the_way import OnTheWay

log = structlog.get_logger()

MOST_TAKEN = 512
"""Unfinished item versions that one tick takes up."""
LOOKED_AGAIN = timedelta(seconds=1)
"""How long a story that waits for another is left alone."""


class TakeUnfinished(Step):
    """Ticks in, batches of landed item version ids out: those that nobody finished, nor is about to."""

    stage = "stories"

    def __init__(
        self, store: StoreAddress | str, clock: Clock = utc_now, limit: int = MOST_TAKEN, lease: timedelta = LEASE
    ) -> None:
        super().__init__(store, clock)
        self.limit = limit
        self.lease = lease

    def process(self, _tick: object) -> Iterator[tuple[str, ...]]:
        now = self.clock()
        yield from batches(self.store.landing.unfinished(now, now + self.lease, self.limit))


class Identify(Step):
    """Batches of landed ids in, batches of passages out, each story once a batch. What cannot be a story is set aside.

    An empty batch is passed on: it lets the steps behind hand on what they hold. Where several processes identify at once, a story
    that may be a copy of one that another has on the way `waits` so long for it; it is landed again meanwhile.
    """

    stage = "stories"

    def __init__(self, store: StoreAddress | str, clock: Clock = utc_now, waits: timedelta = timedelta()) -> None:
        super().__init__(store, clock)
        self.waits = waits

    def setup(self) -> None:
        super().setup()
        self.on_the_way = OnTheWay.of(self.address)

    def process(self, ids: tuple[str, ...]) -> Iterator[tuple[Passage, ...]]:
        versions = self.store.landing.read(ids)
        passages = self.together(versions, self._identified, lambda version: [version])
        self.on_the_way.add([passage.story for passage in passages], self.clock())
        for passage in passages:
            self._tell(passage)
        yield tuple(passages)

    def _identified(self, versions: Sequence[ItemVersion]) -> list[Passage]:
        now = self.clock()
        passages, refused = identify(versions, self.store, self.on_the_way.known(now), lambda story: self._waits(story, now))
        for version, why in refused:
            self.set_aside([version], why)
        done = {id for passage in passages for id in passage.item_version_ids} | {version.id for version, _ in refused}
        self.store.landing.reopen([version for version in versions if version.id not in done], now + LOOKED_AGAIN)
        return passages

    def _waits(self, story: Story, now: datetime) -> bool:
        return bool(self.waits) and self.on_the_way.waits(story.id, now, self.waits)

    def _tell(self, passage: Passage) -> None:
        story = passage.story
        if passage.is_new:
            name = "duplicate" if story.duplicate_of else "new"
        elif passage.reading is None:
            name = "updated"
        else:
            return
        self.count(f"stories_{name}")
        log.info(f"story.{name}", story=story.id, source=story.source, title=story.title, of=story.duplicate_of)


class FinishStories(Step):
    """Passages in, nothing out: everything that had to be done for their item versions is done."""

    stage = "stories"

    def process(self, passages: tuple[Passage, ...]) -> None:
        self.store.landing.finish([id for passage in passages for id in passage.item_version_ids])
        OnTheWay.of(self.address).forget([passage.story.id for passage in passages])
        self.count("stories_finished", len(passages))
