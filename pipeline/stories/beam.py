"""Stories as steps of the chain: what was landed and never finished, whose story it is, and the end of the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from weakref import WeakKeyDictionary

import structlog

from pipeline.clock import Clock, utc_now
from pipeline.model import ItemVersion, Passage
from pipeline.store.address import StoreAddress, store_at
from pipeline.store.beam import LEASE, Step, batches
from pipeline.store.roles import Store
from pipeline.stories.copies import placed
from pipeline.stories.encoder import encoder_at
from pipeline.stories.events import Placing
from pipeline.stories.grouping import WINDOW
from pipeline.stories.identify import identify
from pipeline.stories.likeness import Rarity

log = structlog.get_logger()

MOST_TAKEN = 512
"""Unfinished item versions that one tick takes up."""


class TakeUnfinished(Step):
    """Ticks in, batches of landed item version ids out: those that nobody finished, nor is about to.

    Where there were none, ticks are let go by for a `rest`.
    """

    stage = "stories"

    def __init__(
        self,
        store: StoreAddress | str,
        clock: Clock = utc_now,
        limit: int = MOST_TAKEN,
        lease: timedelta = LEASE,
        rest: timedelta = timedelta(0),
    ) -> None:
        super().__init__(store, clock)
        self.limit = limit
        self.lease = lease
        self.rest = rest
        self.rests_until: datetime | None = None

    def process(self, _tick: object) -> Iterator[tuple[str, ...]]:
        now = self.clock()
        if self.rests_until and now < self.rests_until:
            return
        found = self.store.landing.unfinished(now, now + self.lease, self.limit)
        self.rests_until = None if found else now + self.rest
        yield from batches(found)


class Identify(Step):
    """Batches of landed ids in, batches of passages out, each story once a batch. What cannot be a story is set aside.

    An empty batch is passed on: it lets the steps behind hand on what they hold.
    """

    stage = "stories"

    def process(self, ids: tuple[str, ...]) -> Iterator[tuple[Passage, ...]]:
        versions = self.store.landing.read(ids)
        yield tuple(self.together(versions, self._identified, lambda version: [version]))

    def _identified(self, versions: Sequence[ItemVersion]) -> list[Passage]:
        passages, refused = identify(versions, self.store)
        for version, why in refused:
            self.set_aside([version], why)
        return passages


class PlaceCopies(Step):
    """Stored passages in, the same out, those that are copies beside their originals: each said to be new, a duplicate or updated.

    Behind the index, as of two stories that are looked at at once the later then finds the earlier: both are stored.
    """

    stage = "stories"

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        known = tuple(self.together(passages, self._placed, self.of_passage))
        for passage in known:
            self._tell(passage)
        yield known

    def _placed(self, passages: Sequence[Passage]) -> list[Passage]:
        return placed(passages, self.store, self.clock())

    def _tell(self, passage: Passage) -> None:
        story = passage.story
        if passage.is_new:
            name = "duplicate" if story.duplicate_of else "new"
        elif passage.is_reworded:
            name = "updated"
        else:
            return
        self.count(f"stories_{name}")
        log.info(f"story.{name}", story=story.id, source=story.source, title=story.title, of=story.duplicate_of)


class PlaceInEvents(Step):
    """Batches of passages in, the same out with the events of their stories, whose sketches are kept from here on.

    `encoder` is the path of the file that says what stories mean; None where their words and names have to do. A worker without
    it does not begin. Stories further apart than `window` are not compared.
    """

    stage = "stories"

    def __init__(
        self, store: StoreAddress | str, clock: Clock = utc_now, encoder: str | None = None, window: timedelta = WINDOW
    ) -> None:
        super().__init__(store, clock)
        self.encoder = encoder
        self.window = window

    def setup(self) -> None:
        super().setup()
        self.encode = encoder_at(self.encoder) if self.encoder else None
        self.placing: Placing | None = None
        self.resting = _counted.setdefault(store_at(self.address), [])

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        yield tuple(self.together(passages, self._placed, self.of_passage)) if passages else ()

    def teardown(self) -> None:
        if self.placing:
            self.resting.append(self.placing.rarity)

    def _placed(self, passages: Sequence[Passage]) -> list[Passage]:
        if self.placing is None:
            self.placing = Placing(self.store, _rested(self.resting), self.encode, self.window)
        return self.placing.placed(passages, self.clock())


_counted: WeakKeyDictionary[Store, list[Rarity]] = WeakKeyDictionary()
"""What steps of this process have counted in a store and no thread uses now: counting anew takes a tenth of a second."""


def _rested(resting: list[Rarity]) -> Rarity | None:
    """One of them, for whoever asks; no other is given it."""
    try:
        return resting.pop()
    except IndexError:
        return None


class FinishStories(Step):
    """Passages in, nothing out: everything that had to be done for their item versions is done."""

    stage = "stories"

    def process(self, passages: tuple[Passage, ...]) -> None:
        self.store.landing.finish([id for passage in passages for id in passage.item_version_ids])
        self.count("stories_finished", len(passages))
