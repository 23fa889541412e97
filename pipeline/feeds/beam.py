"""Feeds as a step of the chain: what is due is polled, and what a poll brings has landed before anyone hears of it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog

from pipeline.clock import Clock, utc_now
from pipeline.config import FeedSettings, PollingSettings
from pipeline.feeds.poller import Poller
from pipeline.model import FeedState, Poll, stable_id
from pipeline.store.address import StoreAddress
from pipeline.store.beam import LEASE, Step, batches

log = structlog.get_logger()

MOST_DUE = 512
"""Feeds that one tick takes up; the rest are the next one's."""
MOST_LANDED, MOST_CHARACTERS = 512, 4_000_000
"""Items that land in one call, and their texts; those of the last feed come on top."""
_NUDGE_S = 0.1
"""Polls that come out within it land together: less is asked of the store, and whoever is told hears that much later."""
_MARGIN = timedelta(seconds=20)
"""What a lease lasts beyond the longest poll."""


class Polling(NamedTuple):
    """How feeds are polled, as it travels with the chain."""

    every: tuple[tuple[str, timedelta], ...]
    settings: PollingSettings
    patience_s: float
    """How long a tick waits for the feeds it took up; slower ones come out at a later tick."""

    @classmethod
    def of(cls, feeds: Sequence[FeedSettings], settings: PollingSettings, patience_s: float) -> Polling:
        return cls(tuple((feed.url, feed.every) for feed in feeds), settings, patience_s)


_pollers: dict[tuple[object, ...], Poller] = {}
_opening = threading.Lock()


def _poller(polling: Polling, clock: Clock) -> Poller:
    """This process's poller: it outlives the tick, so that a slow feed holds up no other."""
    key = (polling.every, polling.settings)
    with _opening:
        if key not in _pollers:
            close_pollers()
            limits = polling.settings
            _pollers[key] = Poller(
                dict(polling.every),
                timeout_s=limits.timeout.total_seconds(),
                max_bytes=int(limits.max_body),
                concurrency=limits.concurrency,
                user_agent=limits.user_agent,
                clock=clock,
                seed=0,
            )
        return _pollers[key]


def polls_under_way() -> int:
    """How many polls of this process have not come out yet."""
    return sum(poller.in_flight for poller in _pollers.values())


def close_pollers() -> None:
    """Break off this process's polls."""
    for poller in _pollers.values():
        poller.close()
    _pollers.clear()


class LeaseFeeds(Step):
    """Ticks in, the feeds that are due out, in `shares` tuples by their hosts, of which some may be empty.

    What nobody polls then is due again when its lease ends.
    """

    stage = "feeds"

    def __init__(self, store: StoreAddress | str, polling: Polling, shares: int = 1, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.polling = polling
        self.shares = shares

    def process(self, _tick: object) -> Iterator[tuple[FeedState, ...]]:
        now = self.clock()
        due = self.store.feeds.lease(now, now + self.polling.settings.timeout + _MARGIN, MOST_DUE)
        yield from in_shares(due, self.shares)


def in_shares(states: Sequence[FeedState], shares: int) -> list[tuple[FeedState, ...]]:
    """`states` in so many tuples, all of a host in one; the same everywhere."""
    shared: list[list[FeedState]] = [[] for _ in range(shares)]
    for state in states:
        host = urlsplit(state.url).netloc.lower()
        shared[int(stable_id("host", host), 16) % shares].append(state)
    return [tuple(share) for share in shared]


class PollFeeds(Step):
    """Leased feeds in, batches of landed item version ids out; polls that this process began before and that are done come out too.

    A feed that fails costs the others nothing; its error is in its state.
    """

    stage = "feeds"

    def __init__(self, store: StoreAddress | str, polling: Polling, clock: Clock = utc_now, lease: timedelta = LEASE) -> None:
        super().__init__(store, clock)
        self.polling = polling
        self.lease = lease

    def process(self, due: tuple[FeedState, ...]) -> Iterator[tuple[str, ...]]:
        poller = _poller(self.polling, self.clock)
        known = dict(self.polling.every)
        poller.submit([state for state in due if state.url in known])
        deadline = time.monotonic() + self.polling.patience_s
        while poller.in_flight and time.monotonic() < deadline:
            for polls in gathered(poller.completed(_NUDGE_S)):
                yield from batches(self.together(polls, self._landed, lambda poll: poll.versions))
            # An empty batch: the steps behind hand on what is ready, though a slow feed keeps this one waiting.
            yield ()

    def _landed(self, polls: Sequence[Poll]) -> list[str]:
        versions = [version for poll in polls for version in poll.versions]
        ids = self.store.landing.land(versions, self.clock() + self.lease, [poll.state for poll in polls])
        new = set(ids)
        for poll in polls:
            self._tell(poll, len(new & {version.id for version in poll.versions}))
        self.count("items_landed", len(ids))
        return ids

    def _tell(self, poll: Poll, new: int) -> None:
        self.count("polls")
        self.count("polls_failed", int(poll.state.error is not None))
        self.count("items", len(poll.versions))
        log.info(
            "feed.polled",
            feed=poll.state.url,
            status=poll.status,
            items=len(poll.versions),
            new=new,
            ms=round(poll.duration_s * 1000),
            error=poll.state.error,
            notes=list(poll.notes[:3]) or None,
        )


def gathered(polls: Iterable[Poll]) -> Iterator[list[Poll]]:
    """`polls` as they come, in lists that land at once: of many feeds, each brings a story or none that is new."""
    some: list[Poll] = []
    items = characters = 0
    for poll in polls:
        some.append(poll)
        items += len(poll.versions)
        characters += sum(len(version.item.content) for version in poll.versions)
        if items >= MOST_LANDED or characters >= MOST_CHARACTERS:
            yield some
            some, items, characters = [], 0, 0
    if some:
        yield some
