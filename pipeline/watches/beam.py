"""Watches as a step of the chain."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pipeline.clock import Clock, utc_now
from pipeline.model import Passage
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step
from pipeline.watches.match import Watch, WatchIndex, matched


class MatchWatches(Step):
    """Passages in, the same with their hits out. At least once; a hit's id makes it once."""

    stage = "watches"

    def __init__(self, store: StoreAddress | str, watches: Sequence[Watch], clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.watches = tuple(watches)

    def setup(self) -> None:
        super().setup()
        self.index = WatchIndex(self.watches)

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        yield tuple(self.together(passages, self._matched, self.of_passage))

    def _matched(self, passages: Sequence[Passage]) -> list[Passage]:
        return [matched(passage, self.index, self.clock()) for passage in passages]
