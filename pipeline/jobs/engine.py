"""What differs by runner, in one place: where ticks come from, how far work spreads, who owns the processes that read.

On one machine a tick is a job of its own (`local.py`); its pool of reading processes, one a core, and its deliverer outlive it. On
a cluster ticks are a stream, each Python worker has a pool and a deliverer, and any number of them works side by side.
The chain itself is `ingest.py`'s, and the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple

import apache_beam as beam
import structlog
from apache_beam.io.flink.flink_streaming_impulse_source import FlinkStreamingImpulseSource

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.feeds.beam import LeaseFeeds, PollFeeds, Polling
from pipeline.jobs import upkeep
from pipeline.jobs.deliverers import deliverer_for
from pipeline.jobs.ingest import TellStories
from pipeline.store.address import StoreAddress, address_of
from pipeline.store.beam import Step
from pipeline.stories.beam import TakeUnfinished

log = structlog.get_logger()

_TICK_MS = 500
_PATIENCE_S = 0.2
"""For polls: what a worker's poller has not brought by then comes out with its next share, and holds up no bundle."""
_LEASE = timedelta(seconds=30)
"""Of what has landed: after a crash it is taken up that soon. What waits longer for its turn is emitted twice, finished once."""
_REST = timedelta(seconds=5)
"""Between two looks for what was left behind, where there was none: a crash leaves some, and its leases last longer."""


class Engine(NamedTuple):
    """How a cluster runs the chain."""

    slots: int = 1
    """Bundles of one step that run at once, over the whole cluster."""
    readers: int | None = None
    """Processes that read, of each Python worker, one for each slot that it serves; one a core where None."""

    def __str__(self) -> str:
        return f"{self.slots} slot{'s' if self.slots > 1 else ''}"

    @property
    def tick_ms(self) -> int:
        """Every slot has ticks of its own: so far apart that there are as many in a second on any cluster."""
        return _TICK_MS * self.slots

    def given(self, settings: Settings) -> Settings:
        """The settings, with as many reading processes as it has where they say nothing of that."""
        return settings.model_copy(update={"processes": settings.processes or self.readers})


class Service(beam.PTransform):
    """The whole service as one streaming job that nobody has to look after: polls, takes up what was left, tells, delivers, tends,
    groups events again.

    No step sees everything: feeds spread in shares by their hosts, stories in batches.
    """

    def __init__(self, settings: Settings, engine: Engine, clock: Clock = utc_now) -> None:
        super().__init__()
        self.settings = engine.given(settings)
        self.engine = engine
        self.clock = clock

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        store, clock = address_of(self.settings), self.clock
        polling = Polling.of(self.settings.feeds, self.settings.polling, _PATIENCE_S)
        ticks = begin | "tick" >> FlinkStreamingImpulseSource().set_interval_ms(self.engine.tick_ms)
        _ = ticks | "deliver" >> beam.ParDo(Patient(Deliver(store, self.settings, clock)))
        _ = ticks | "keep up" >> beam.ParDo(Patient(KeepUp(store, self.settings, clock)))
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


class Deliver(Step):
    """Ticks in, nothing out: this process has a deliverer, which looks into the outbox now. Leases make several deliverers safe."""

    stage = "alerts"

    def __init__(self, store: StoreAddress | str, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.webhooks = dict(settings.webhooks)

    def process(self, _tick: object) -> Iterator[object]:
        deliverer_for(self.address, self.webhooks, self.clock).wake()
        return iter(())


class KeepUp(Step):
    """Ticks in, nothing out: what the store needs in time is begun here where it is this process's turn (`upkeep.py`)."""

    stage = "stories"

    def __init__(self, store: StoreAddress | str, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.window = settings.events.window
        self.stories_for = settings.retention.stories

    def process(self, _tick: object) -> Iterator[object]:
        upkeep.begin(self.store, self.clock(), self.window, self.stories_for)
        return iter(())
