"""The service on one machine: short bounded Beam jobs in this process, one a tick where there is something to do.

The Python runner's streaming mode leaks 4.6 MB a firing; bounded jobs, repeated, are flat. What is slow to start outlives the
ticks: the reading processes, the polls under way, the deliverer.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import structlog

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.errors import TransientError, WirewatchError
from pipeline.jobs.deliver import Deliverer
from pipeline.model import FeedState
from pipeline.store.address import address_of, close_stores, store_at
from pipeline.store.roles import Store

if TYPE_CHECKING:
    from pipeline.jobs.runner import LocalJob

log = structlog.get_logger()

PATIENCE_S = 2.0
"""How long a tick waits for feeds: a slower one comes out at a later tick."""
LONGEST_REST_S = 1.0
STOP_WITHIN_S = 8.0
_LONGEST_BACK_OFF_S = 30.0
_COUNTS_TOLD_EVERY_S = 300.0


class _Opened(NamedTuple):
    """What there is to work with once the store has answered."""

    store: Store
    deliverer: Deliverer


class LocalService:
    """Polls, reads, indexes and tells until it is told to stop.

    A store that is away or locked stops nothing but progress, from the start to the end. Opening it raises `ConfigError` where it
    cannot be opened at all.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._opened: _Opened | None = None
        self._jobs: dict[float, LocalJob] = {}
        self.feed_states: list[FeedState] = []
        """What is remembered of each feed, as `run_once` left it."""
        self.counts: Counter[str] = Counter()
        """What the ticks so far have counted (`pipeline.store.beam` says what)."""
        self._counts_told_at = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; then finish within ten seconds. Raises what ended the deliverer, if anything did."""
        self._warm_up()
        failures = 0
        try:
            while not stop.is_set():
                try:
                    rest_s = self._round()
                    failures = 0
                except TransientError as error:
                    failures += 1
                    rest_s = min(_LONGEST_BACK_OFF_S, 2.0 ** min(failures, 5) / 2)
                    log.warning("tick.waits", error=str(error), failures=failures)
                stop.wait(rest_s)
        finally:
            self.close()

    def run_once(self, stop: threading.Event, deliver_within_s: float = 60.0) -> bool:
        """Poll the feeds that are due, finish all that landed, and try each alert that is due; whether all was told in time.

        Where `stop` is set, ends within ten seconds; what is unfinished is taken up by the next run. Raises `TransientError` where
        the store is away.
        """
        from pipeline.feeds.beam import polls_under_way

        self._warm_up()
        try:
            store, deliverer = self._open()
            # Each feed is given all the time that a poll may take.
            ends_at = time.monotonic() + self._settings.polling.timeout.total_seconds() + 1
            self._tick(PATIENCE_S)
            while not stop.is_set() and (polls_under_way() or store.landing.unfinished_count()):
                if self._tick(PATIENCE_S) > 0 or (polls_under_way() and time.monotonic() > ends_at + PATIENCE_S):
                    break
            if not stop.is_set():
                self._keep_up(store, stop)
            is_told = deliverer.run_until_idle(deliver_within_s, stop)
            self.feed_states = store.feeds.states()
            return is_told
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is under way: it is all in the store, and is taken up again by whoever starts next."""
        from pipeline.feeds.beam import close_pollers
        from pipeline.jobs import upkeep
        from pipeline.language.pool import close_pools

        if self._opened:
            self._opened.deliverer.stop(STOP_WITHIN_S / 2)
            # What was not written by then, whoever has the next turn finds again.
            upkeep.wait(STOP_WITHIN_S / 4)
        self._tell_counts()
        close_pollers()
        close_pools()
        close_stores()

    def _warm_up(self) -> None:
        # The processes load their models while this one imports Beam.
        from pipeline.language.pool import pool_for
        from pipeline.language.resources import resources_of

        pool_for(self._settings.entities, self._settings.processes, resources_of(self._settings))

    def _open(self) -> _Opened:
        """The store, and the deliverer at work on it."""
        if self._opened is None:
            store = store_at(address_of(self._settings))
            store.take_over()
            store.feeds.subscribe([feed.url for feed in self._settings.feeds], self._clock())
            self._opened = _Opened(store, Deliverer(store, self._settings.webhooks, self._clock))
            self._opened.deliverer.start()
        return self._opened

    def _round(self) -> float:
        """A tick, where the store and the deliverer are well; answers how many seconds there is nothing to do."""
        from pipeline.jobs import upkeep

        store, deliverer = self._open()
        upkeep.begin(store, self._clock(), self._settings.events.window, self._settings.retention.stories)
        rest_s = self._tick(PATIENCE_S)
        if deliverer.failure:
            raise WirewatchError("the deliverer ended unexpectedly") from deliverer.failure
        return rest_s

    def _tick(self, patience_s: float) -> float:
        """Run one job if there is anything to do; else answer how many seconds there is not."""
        from pipeline.feeds.beam import polls_under_way

        store, deliverer = self._open()
        # Asked first in any case: where the store is away, no job begins only to fail.
        rest_s = self._rest_s(store)
        if rest_s > 0 and not polls_under_way():
            return rest_s
        began = time.perf_counter()
        self.counts += self._job(patience_s).run()
        log.debug("tick", ms=round((time.perf_counter() - began) * 1000))
        if time.monotonic() - self._counts_told_at >= _COUNTS_TOLD_EVERY_S:
            self._tell_counts()
        deliverer.wake()
        return 0.0

    def _tell_counts(self) -> None:
        self._counts_told_at = time.monotonic()
        log.info("service.counts", **self.counts)

    def _keep_up(self, store: Store, stop: threading.Event) -> None:
        """Group again and tend, whoever else does, and all of it: a single run comes to an end."""
        from pipeline.jobs.regroup import regroup

        now = self._clock()
        regroup(store, now, self._settings.events.window)
        while store.tend(now, self._settings.retention.stories) and not stop.is_set():
            pass

    def _job(self, patience_s: float) -> LocalJob:
        if patience_s not in self._jobs:
            self._jobs[patience_s] = tick_job(self._settings, patience_s, self._clock)
        return self._jobs[patience_s]

    def _rest_s(self, store: Store) -> float:
        """Seconds until something is due, at most `LONGEST_REST_S`; 0 where something is."""
        due = [moment for moment in (store.feeds.next_due_at(), store.landing.next_due_at()) if moment]
        if not due:
            return LONGEST_REST_S
        wait_s = (min(due) - self._clock()).total_seconds()
        return 0.0 if wait_s <= 0 else max(0.01, min(LONGEST_REST_S, wait_s))


def tick_job(settings: Settings, patience_s: float, clock: Clock = utc_now) -> LocalJob:
    """The job of a tick: the chain, over what is due whenever it is run."""
    import apache_beam as beam

    from pipeline.jobs.ingest import TellStories, arrivals
    from pipeline.jobs.runner import LocalJob

    return LocalJob(
        lambda pipeline: (
            pipeline
            | "tick" >> beam.Create(["tick"], reshuffle=False)
            | "arrivals" >> beam.ParDo(arrivals(settings, patience_s, clock))
            | TellStories(settings, clock)
        )
    )
