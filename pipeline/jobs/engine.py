"""What differs by runner, in one place: where ticks come from, how far work spreads, who owns the processes that read.

On one machine a tick is a job of its own (`local.py`); its pool of reading processes, one a core, and its deliverer outlive it. On
a cluster ticks are a stream, each Python worker has a pool and a deliverer, and any number of them works side by side.
The chain itself is `ingest.py`'s, and the same everywhere.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import apache_beam as beam
import structlog
from apache_beam.io.flink.flink_streaming_impulse_source import FlinkStreamingImpulseSource

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.feeds.beam import LeaseFeeds, PollFeeds, Polling
from pipeline.jobs.deliverers import deliverer_for
from pipeline.jobs.ingest import TellStories
from pipeline.jobs.regroup import regroup_patiently
from pipeline.store.address import StoreAddress, address_of
from pipeline.store.beam import Step
from pipeline.stories.beam import TakeUnfinished
from pipeline.stories.grouping import WINDOW

log = structlog.get_logger()

_TICK_MS = 500
_PATIENCE_S = 0.2
"""For polls: what a worker's poller has not brought by then comes out with its next share, and holds up no bundle."""
_LEASE = timedelta(seconds=30)
"""Of what has landed: after a crash it is taken up that soon. What waits longer for its turn is emitted twice, finished once."""
_REST = timedelta(seconds=5)
"""Between two looks for what was left behind, where there was none: a crash leaves some, and its leases last longer."""
_TENDED_EVERY = timedelta(hours=1)
_REGROUPED_EVERY = timedelta(minutes=3)


class Engine(NamedTuple):
    """How a cluster runs the chain."""

    slots: int = 1
    """Bundles of one step that run at once, over the whole cluster."""
    readers: int | None = None
    """Processes that read, of each Python worker, one for each slot that it serves; one a core where None."""

    @property
    def tick_ms(self) -> int:
        """Every slot has ticks of its own: so far apart that there are as many in a second on any cluster."""
        return _TICK_MS * self.slots


class Service(beam.PTransform):
    """The whole service as one streaming job that nobody has to look after: polls, takes up what was left, tells, delivers, tends,
    groups events again.

    No step sees everything: feeds spread in shares by their hosts, stories in batches.
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Clock = utc_now) -> None:
        super().__init__()
        self.settings = settings.model_copy(update={"processes": settings.processes or engine.readers})
        self.engine = engine
        self.clock = clock

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        store, clock = address_of(self.settings), self.clock
        polling = Polling.of(self.settings.feeds, self.settings.polling, _PATIENCE_S)
        ticks = begin | "tick" >> FlinkStreamingImpulseSource().set_interval_ms(self.engine.tick_ms)
        _ = ticks | "deliver and tend" >> beam.ParDo(Patient(DeliverAndTend(store, self.settings, clock)))
        _ = ticks | "group again" >> beam.ParDo(Patient(GroupAgain(store, clock, self.settings.events.window)))
        unfinished = ticks | "unfinished" >> beam.ParDo(Patient(TakeUnfinished(store, clock, lease=_LEASE, rest=_REST)))
        polled = (
            ticks
            | "due feeds" >> beam.ParDo(Patient(LeaseFeeds(store, polling, self.engine.slots, clock)))
            | "spread feeds" >> beam.Reshuffle()
            | "poll" >> beam.ParDo(Patient(PollFeeds(store, polling, clock, _LEASE)))
        )
        return (
            (polled, unfinished)
            | "landed" >> beam.Flatten()
            | "some" >> beam.Filter(bool)
            | "spread stories" >> beam.Reshuffle()
            | "tell" >> TellStories(self.settings, clock)
        )


class Patient(Step):
    """A step that ticks drive: where the store is away it does nothing, for there will be another tick."""

    def __init__(self, step: Step) -> None:
        super().__init__(step.address, step.clock)
        self.step = step

    def setup(self) -> None:
        self.step.setup()

    def process(self, element: object) -> Iterator[object]:
        try:
            yield from self.step.process(element)
        except TransientError as error:
            log.warning("tick.waits", stage=self.step.stage, error=str(error))


class DeliverAndTend(Step):
    """Ticks in, nothing out: this process has a deliverer, which looks into the outbox now; and once an hour it tends the store.

    Leases make several deliverers safe.
    """

    stage = "alerts"

    def __init__(self, store: StoreAddress | str, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.webhooks = dict(settings.webhooks)
        self.stories_for = settings.retention.stories
        self.tended_at: datetime | None = None

    def process(self, _tick: object) -> Iterator[object]:
        deliverer_for(self.address, self.webhooks, self.clock).wake()
        now = self.clock()
        if self.tended_at is None or now - self.tended_at >= _TENDED_EVERY:
            # Where there is more, the next tick does it.
            self.tended_at = None if self.store.tend(now, self.stories_for) else now
        return iter(())


class GroupAgain(Step):
    """Ticks in, nothing out: where nobody did for three minutes, this process begins to group what came since into events again.

    The store says when it was done last. Two processes that begin at once do it twice, which ends the same. It is done by a thread
    that no tick waits for: a pass may take minutes, in which the steps before it would stand still, and no checkpoint come about.
    """

    stage = "stories"

    def __init__(self, store: StoreAddress | str, clock: Clock = utc_now, window: timedelta = WINDOW) -> None:
        super().__init__(store, clock)
        self.window = window
        self.begun_at: datetime | None = None
        """When this step last began a pass: one that failed is not begun again by each tick."""

    def process(self, _tick: object) -> Iterator[object]:
        now = self.clock()
        if self.begun_at and now - self.begun_at < _REGROUPED_EVERY:
            return iter(())
        last = self.store.events.looked_at()
        if (last is None or now - last >= _REGROUPED_EVERY) and _grouping.acquire(blocking=False):
            self.begun_at = now
            threading.Thread(target=self._group, args=(now,), name="regrouping", daemon=True).start()
        return iter(())

    def _group(self, now: datetime) -> None:
        try:
            regroup_patiently(self.store, now, self.window)
        finally:
            _grouping.release()


_grouping = threading.Lock()
"""Held while this process groups."""


def wait_for_grouping(within_s: float) -> bool:
    """Wait until this process does not group; whether it came to that in time."""
    if is_free := _grouping.acquire(timeout=within_s):
        _grouping.release()
    return is_free
