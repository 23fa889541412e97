"""The service on one machine: short bounded Beam jobs in this process, one a tick where there is something to do.

The Python runner's streaming mode leaks 4.6 MB a firing; bounded jobs, repeated, are flat. What is slow to start outlives the
ticks: the reading processes, the polls under way, the deliverer.
"""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

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
_TENDED_EVERY = timedelta(hours=1)
_REGROUPED_EVERY = timedelta(minutes=3)


class LocalService:
    """Polls, reads, indexes and tells until it is told to stop.

    Opening the store raises `ConfigError`. A store that is away or locked stops nothing but progress.
    """

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        self._settings = settings
        self._clock = clock
        self._store: Store = store_at(address_of(settings))
        self._store.take_over()
        self._store.feeds.subscribe([feed.url for feed in settings.feeds], clock())
        self._deliverer = Deliverer(self._store, settings.webhooks, clock)
        self._jobs: dict[float, LocalJob] = {}
        self._states: list[FeedState] | None = None
        self._tended_at: datetime | None = None
        self._regrouped_at = clock()
        self._has_new_stories = False

    def run(self, stop: threading.Event) -> None:
        """Run until `stop` is set; then finish within ten seconds. Raises what ended the deliverer, if anything did."""
        self._start()
        failures = 0
        try:
            while not stop.is_set():
                try:
                    worked = self._tick(PATIENCE_S)
                    failures = 0
                except TransientError as error:
                    failures += 1
                    log.warning("tick.waits", error=str(error), failures=failures)
                    stop.wait(min(_LONGEST_BACK_OFF_S, 2.0 ** min(failures, 5) / 2))
                    continue
                if self._deliverer.failure:
                    raise WirewatchError("the deliverer ended unexpectedly") from self._deliverer.failure
                if not worked:
                    stop.wait(self._rest_s())
        finally:
            self.close()

    def run_once(self, stop: threading.Event, deliver_within_s: float = 60.0) -> bool:
        """Poll the feeds that are due, finish all that landed, and try each alert that is due; whether all was told in time.

        Where `stop` is set, ends within ten seconds; what is unfinished is taken up by the next run.
        """
        from pipeline.feeds.beam import polls_under_way

        self._start()
        try:
            # Each feed is given all the time that a poll may take.
            ends_at = time.monotonic() + self._settings.polling.timeout.total_seconds() + 1
            self._tick(PATIENCE_S)
            while not stop.is_set() and (polls_under_way() or self._store.landing.unfinished_count()):
                if not self._tick(PATIENCE_S) or (polls_under_way() and time.monotonic() > ends_at + PATIENCE_S):
                    break
            if self._has_new_stories and not stop.is_set():
                self._regroup()
            return self._deliverer.run_until_idle(deliver_within_s, stop)
        finally:
            self.close()

    @property
    def feed_states(self) -> list[FeedState]:
        """What is remembered of each feed, as it was when the service closed, or is."""
        return self._states if self._states is not None else self._store.feeds.states()

    def close(self) -> None:
        """Give up what is under way: it is all in the store, and is taken up again by whoever starts next."""
        from pipeline.feeds.beam import close_pollers
        from pipeline.language.pool import close_pools

        self._deliverer.stop(STOP_WITHIN_S / 2)
        self._states = self._store.feeds.states()
        close_pollers()
        close_pools()
        close_stores()

    def _start(self) -> None:
        # The processes load their models while this one imports Beam.
        from pipeline.language.pool import pool_for

        pool_for(self._settings.entities, self._settings.processes)
        self._deliverer.start()

    def _tick(self, patience_s: float) -> bool:
        """Run one job if there is anything to do; whether there was."""
        self._tend()
        if not self._has_work():
            return False
        began = time.perf_counter()
        self._job(patience_s).run()
        self._has_new_stories = True
        log.debug("tick", ms=round((time.perf_counter() - began) * 1000))
        self._deliverer.wake()
        return True

    def _tend(self) -> None:
        now = self._clock()
        if self._tended_at is None or now - self._tended_at >= _TENDED_EVERY:
            self._store.tend(now)
            self._tended_at = now
        if self._has_new_stories and now - self._regrouped_at >= _REGROUPED_EVERY:
            self._regroup()

    def _regroup(self) -> None:
        from pipeline.jobs.regroup import regroup

        self._regrouped_at, self._has_new_stories = self._clock(), False
        regroup(self._store, self._regrouped_at)

    def _job(self, patience_s: float) -> LocalJob:
        if patience_s not in self._jobs:
            self._jobs[patience_s] = tick_job(self._settings, patience_s, self._clock)
        return self._jobs[patience_s]

    def _has_work(self) -> bool:
        from pipeline.feeds.beam import polls_under_way

        first_due = self._first_due()
        return polls_under_way() > 0 or (first_due is not None and first_due <= self._clock())

    def _first_due(self) -> datetime | None:
        due = [moment for moment in (self._store.feeds.next_due_at(), self._store.landing.next_due_at()) if moment]
        return min(due, default=None)

    def _rest_s(self) -> float:
        first_due = self._first_due()
        wait = (first_due - self._clock()) if first_due else timedelta(seconds=LONGEST_REST_S)
        return max(0.01, min(LONGEST_REST_S, wait.total_seconds()))


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
