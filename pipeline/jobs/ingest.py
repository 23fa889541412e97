"""The way of a story, as one chain: from what has landed to what a person is told. Every runner runs this.

    landed ─► same story? ─► read ─► same event? ─► watches ─► index ─► same text? ─► outbox ─► finish

What is landed comes from a tick: feeds that are due, and what landed before and was never finished.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import apache_beam as beam

from pipeline.alerts.beam import QueueAlerts
from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.feeds.beam import LeaseFeeds, PollFeeds, Polling
from pipeline.jobs.coders import Passages
from pipeline.language.beam import ReadStories
from pipeline.language.edition import edition
from pipeline.language.resources import resources_of
from pipeline.model import Passage, ReadStory
from pipeline.search.beam import IndexStories
from pipeline.store.address import address_of
from pipeline.store.beam import Step
from pipeline.stories.beam import FinishStories, Identify, PlaceCopies, PlaceInEvents, TakeUnfinished
from pipeline.stories.encoder import encoder_of
from pipeline.stories.identify import settled
from pipeline.watches.beam import MatchWatches
from pipeline.watches.match import WatchIndex, matched


class TellStories(beam.PTransform):
    """Batches of landed item version ids in; on leaving, each story is searchable, told and finished. At least once, as if once."""

    def __init__(self, settings: Settings, clock: Clock = utc_now) -> None:
        super().__init__()
        self.settings = settings
        self.clock = clock

    def expand(self, landed: beam.PCollection) -> beam.PCollection:
        store, clock, settings = address_of(self.settings), self.clock, self.settings
        reading = ReadStories(store, settings.entities, settings.processes, resources_of(settings), clock)
        webhooks = {watch.name: watch.alert for watch in settings.watches}
        return (
            landed
            | "same story?" >> beam.ParDo(Identify(store, clock)).with_output_types(Passages)
            | "read" >> beam.ParDo(reading).with_output_types(Passages)
            | "same event?"
            >> beam.ParDo(PlaceInEvents(store, clock, encoder_of(settings), settings.events.window)).with_output_types(Passages)
            | "watches" >> beam.ParDo(MatchWatches(store, settings.watches, clock)).with_output_types(Passages)
            | "index" >> beam.ParDo(IndexStories(store, Settle(settings, clock), clock)).with_output_types(Passages)
            | "same text?" >> beam.ParDo(PlaceCopies(store, clock)).with_output_types(Passages)
            | "outbox" >> beam.ParDo(QueueAlerts(store, webhooks, clock)).with_output_types(Passages)
            | "finish" >> beam.ParDo(FinishStories(store, clock))
        )


class Settle:
    """What becomes of a passage whose story somebody else has written meanwhile: merged with theirs, and matched again."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.watches = tuple(settings.watches)
        self.edition = edition(settings.entities, resources_of(settings))
        self.clock = clock

    def __call__(self, stored: Mapping[str, ReadStory], passage: Passage) -> Passage:
        return matched(settled(stored, passage, self.edition), WatchIndex(self.watches), self.clock())


class Arrivals(Step):
    """Ticks in, batches of landed ids out: first what was never finished, then what due feeds bring, as they answer.

    One step and not two flattened ones: the local runner holds back everything before a Flatten until the last feed has answered.
    """

    stage = "feeds"

    def __init__(self, unfinished: TakeUnfinished, due: LeaseFeeds, polled: PollFeeds) -> None:
        super().__init__(unfinished.address, unfinished.clock)
        self.unfinished, self.due, self.polled = unfinished, due, polled

    def setup(self) -> None:
        for step in (self.unfinished, self.due, self.polled):
            step.setup()

    def process(self, tick: object) -> Iterator[tuple[str, ...]]:
        yield from self.unfinished.process(tick)
        for feeds in self.due.process(tick):
            yield from self.polled.process(feeds)


def arrivals(settings: Settings, patience_s: float, clock: Clock = utc_now) -> Arrivals:
    """What a tick brings; see `Polling.patience_s`."""
    polling = Polling.of(settings.feeds, settings.polling, patience_s)
    store = address_of(settings)
    return Arrivals(TakeUnfinished(store, clock), LeaseFeeds(store, polling, clock=clock), PollFeeds(store, polling, clock))
