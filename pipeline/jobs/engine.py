"""What differs by runner, in one place: where ticks come from, how work spreads, who owns the processes that read.

The chain itself is `ingest.py`'s, and the same everywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import apache_beam as beam
import structlog
from apache_beam.io.flink.flink_streaming_impulse_source import FlinkStreamingImpulseSource

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.errors import TransientError
from pipeline.feeds.beam import LeaseFeeds, PollFeeds, Polling
from pipeline.jobs.deliver import deliverer_for
from pipeline.jobs.ingest import TellStories
from pipeline.store.address import StoreAddress, address_of
from pipeline.store.beam import Step
from pipeline.stories.beam import TakeUnfinished

log = structlog.get_logger()

_TICK_MS = 500


class Engine(NamedTuple):
    """How a runner runs the chain."""

    slots: int = 1
    """Bundles of a step that run at once, over the whole cluster."""
    processes: int | None = None
    """That read, of each Python worker; where None, one a core."""
    patience_s: float = 0.25
    """How long a poll is waited for before the next tick does."""

    @property
    def tick_ms(self) -> int:
        """Every slot has ticks of its own: so far apart that there are as many in a second on any cluster."""
        return _TICK_MS * self.slots


class Service(beam.PTransform):
    """The whole service as one streaming job: polls, takes up what was left, tells, delivers and tends. Starts by itself."""

    def __init__(self, settings: Settings, engine: Engine, clock: Clock = utc_now) -> None:
        super().__init__()
        self.settings = settings.model_copy(update={"processes": settings.processes or engine.processes})
        self.engine = engine
        self.clock = clock

    def expand(self, begin: beam.pvalue.PBegin) -> beam.PCollection:
        settings, store, clock, slots = self.settings, address_of(self.settings), self.clock, self.engine.slots
        polling = Polling.of(settings.feeds, settings.polling, self.engine.patience_s)
        ticks = begin | "tick" >> FlinkStreamingImpulseSource().set_interval_ms(self.engine.tick_ms)
        ticks | "deliver and tend" >> beam.ParDo(DeliverAndTend(store, settings, clock))
        polled = (
            ticks
            | "due feeds" >> beam.ParDo(Patient(LeaseFeeds(store, polling, slots, clock)))
            | "spread polls" >> beam.Reshuffle()
            | "poll" >> beam.ParDo(Patient(PollFeeds(store, polling, clock)))
        )
        unfinished = ticks | "unfinished" >> beam.ParDo(Patient(TakeUnfinished(store, clock)))
        return (
            (polled, unfinished)
            | "landed" >> beam.Flatten()
            | "any" >> beam.Filter(bool)
            | "spread stories" >> beam.Reshuffle()
            | TellStories(settings, clock)
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
    """Ticks in, nothing out: this process has a deliverer, and looks after the store once an hour. Leases make several safe."""

    stage = "alerts"

    def __init__(self, store: StoreAddress | str, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.webhooks = dict(settings.webhooks)

    def process(self, _tick: object) -> None:
        deliverer_for(self.address, self.webhooks, self.clock).wake()
