"""Watches as a step of the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.clock import Clock, utc_now
from pipeline.model import Hit, Passage
from pipeline.store.beam import Step
from pipeline.watches.match import Watch, WatchIndex, hits


class MatchWatches(Step):
    """Passages in, the same with their hits out. At least once; a hit's id makes it once."""

    stage = "watches"

    def __init__(self, store: str, watches: Sequence[Watch], clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.watches = tuple(watches)

    def setup(self) -> None:
        super().setup()
        self.index = WatchIndex(self.watches)

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        yield tuple(self.together(passages, self._matched, self.of_passage))

    def _matched(self, passages: Sequence[Passage]) -> list[Passage]:
        return [passage._replace(hits=self._hits(passage)) for passage in passages]

    def _hits(self, passage: Passage) -> tuple[Hit, ...]:
        if passage.reading is None:
            raise ValueError(f"story {passage.story.id} was not read")
        found = tuple(hits(passage.story, passage.reading, self.index, self.clock()))
        self.count("hits", len(found))
        return found
