"""The chain's own steps on stories, without the reading of them: what the benchmarks of sameness run."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog

from pipeline.config import Settings
from pipeline.jobs.ingest import Settle
from pipeline.model import ItemVersion, Passage, Reading
from pipeline.search.beam import IndexStories
from pipeline.store.address import StoreAddress
from pipeline.store.roles import Store
from pipeline.stories.beam import FinishStories, Identify, PlaceCopies

structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)
LATER = NOW + timedelta(days=1)


class Steps:
    """Identify, index, place copies and finish on a store, batch by batch; `store` may be one that dies now and then."""

    def __init__(self, store: Store) -> None:
        self.store = store
        address = StoreAddress("sqlite:///unused")

        def clock() -> datetime:
            return NOW

        self.identify = Identify(address, clock)
        self.index = IndexStories(address, Settle(Settings(), clock), clock)
        self.place = PlaceCopies(address, clock)
        self.finish = FinishStories(address, clock)
        for step in (self.identify, self.index, self.place, self.finish):
            step.store = store

    def take(self, versions: Sequence[ItemVersion]) -> None:
        """Land a batch and take it the whole way."""
        self.store.landing.land(versions, LATER)
        self.go_on([version.id for version in versions])

    def go_on(self, ids: Sequence[str]) -> None:
        """Take landed versions the whole way."""
        for passages in self.identify.process(tuple(ids)):
            known = tuple(map(read, passages))
            for stored in self.index.process(known) if known else ():
                for placed in self.place.process(stored):
                    self.finish.process(placed)


def read(passage: Passage) -> Passage:
    return passage if passage.reading else passage._replace(reading=Reading(passage.story.versions[-1].id))


class DiedError(BaseException):
    """The process that talked to the store, at that very word."""


class Mortal:
    """A store whose caller dies at some calls, before or after they are done: `dies()` is asked each time."""

    def __init__(self, store: Store, dies: Any) -> None:
        self._store, self._dies = store, dies

    def __getattr__(self, name: str) -> Any:
        role = getattr(self._store, name)
        return _MortalRole(role, self._dies) if name in {"landing", "claims", "stories", "bands", "habits"} else role


class _MortalRole:
    def __init__(self, role: Any, dies: Any) -> None:
        self._role, self._dies = role, dies

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._role, name)

        def call(*given: Any, **named: Any) -> Any:
            when = self._dies()
            if when == "before":
                raise DiedError
            answer = method(*given, **named)
            if when == "after":
                raise DiedError
            return answer

        return call
