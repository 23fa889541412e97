"""Stored stories again, through today's language stage and today's watches: read, matched and indexed, and nobody told twice.

    story ids ─► recall ─► read ─► watches ─► index ─► outbox

A story is read only where it was not read with what reads today (`Reading.edition`), and written only where something came of
it: run again after whatever stopped it, it goes on. Stories are matched and their hits looked up each time, so that a crash between
index and outbox loses no hit. A service may run beside it: a story that somebody wrote meanwhile is merged with what they wrote.

Hits that are kept stay kept, though a watch does not match any more. The search follows today's watches.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import apache_beam as beam

from pipeline.alerts.beam import QueueAlerts
from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.jobs.coders import Passages
from pipeline.jobs.flink import finish_on_flink
from pipeline.jobs.ingest import Settle
from pipeline.jobs.runner import LocalJob
from pipeline.jobs.submission import Submission
from pipeline.language.beam import ReadStories
from pipeline.language.edition import edition
from pipeline.language.pool import pool_for
from pipeline.language.resources import resources_of
from pipeline.model import Passage, ReadStory
from pipeline.search.beam import IndexStories, read_story
from pipeline.store.address import StoreAddress, address_of, store_at
from pipeline.store.beam import Step, batches
from pipeline.store.query import EVERYTHING, Query
from pipeline.store.roles import Store
from pipeline.store.search import SearchRequest
from pipeline.watches.beam import MatchWatches

_PAGE = 128


@dataclass
class Progress:
    """How far it has come; written by the job's thread, read by whoever shows it."""

    total: int | None = None
    """Stories to look at, where that is known."""
    found: int = 0
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    """What the job counted (`pipeline.store.beam` says what), once it has ended."""


_progress: dict[int, Progress] = {}
"""By id: Beam copies its steps, and the copy has to find the one that the caller shows."""


def reannotate(settings: Settings, query: Query, progress: Progress, *, tells: bool = False, clock: Clock = utc_now) -> None:
    """Take every stored story that `query` finds through what follows the landing; with `tells`, new hits make alerts.

    Raises `TransientError` where the store is away. Setting `progress.stop` ends it once what is under way is finished.
    """
    store = address_of(settings)
    progress.total = _count(store_at(store), query)
    _progress[id(progress)] = progress
    pool_for(settings.entities, settings.processes, resources_of(settings))
    try:
        progress.counts = LocalJob(
            lambda pipeline: (
                pipeline
                | "start" >> beam.Create(["start"], reshuffle=False)
                | "find" >> beam.ParDo(FindStories(store, query, id(progress), clock))
                | Reannotate(settings, clock, tells=tells)
            )
        ).run()
    finally:
        del _progress[id(progress)]


def reannotate_on_flink(
    settings: Settings,
    query: Query,
    submission: Submission,
    stop: threading.Event,
    say: Callable[[str], None],
    *,
    tells: bool = False,
    clock: Clock = utc_now,
) -> Counter[str]:
    """As `reannotate`, by a cluster; answers what it counted. Raises as `finish_on_flink`."""
    find = FindStories(address_of(settings), query, clock=clock)

    def build(pipeline: beam.Pipeline, given: Settings) -> beam.PCollection:
        return (
            pipeline
            | "start" >> beam.Create(["start"], reshuffle=False)
            | "find" >> beam.ParDo(find)
            | "spread" >> beam.Reshuffle()
            | Reannotate(given, clock, tells=tells)
        )

    return finish_on_flink(settings, submission, build, stop, say)


def _count(store: Store, query: Query) -> int | None:
    if query == EVERYTHING:
        return store.stories.count()
    found = store.stories.facets(query, 1)
    return found.stories if found.is_whole else None


class Reannotate(beam.PTransform):
    """Batches of story ids in; on leaving, each is stored as it is read and matched today. At least once, as if once."""

    def __init__(self, settings: Settings, clock: Clock = utc_now, *, tells: bool = False) -> None:
        super().__init__()
        self.settings = settings
        self.clock = clock
        self.tells = tells

    def expand(self, ids: beam.PCollection) -> beam.PCollection:
        store, clock, settings = address_of(self.settings), self.clock, self.settings
        resources = resources_of(settings)
        recall = Recall(store, edition(settings.entities, resources), clock, tells=self.tells)
        read = ReadStories(store, settings.entities, settings.processes, resources, clock)
        webhooks = {watch.name: watch.alert for watch in settings.watches}
        return (
            ids
            | "recall" >> beam.ParDo(recall).with_output_types(Passages)
            | "read" >> beam.ParDo(read).with_output_types(Passages)
            | "watches" >> beam.ParDo(MatchWatches(store, settings.watches, clock)).with_output_types(Passages)
            | "index" >> beam.ParDo(IndexChanged(store, Settle(settings, clock), clock)).with_output_types(Passages)
            | "outbox" >> beam.ParDo(QueueAlerts(store, webhooks, clock)).with_output_types(Passages)
        )


class FindStories(Step):
    """A start in, batches of ids of stored stories out, newest first: those that a query finds.

    `progress` is that of this process; None where nobody watches, as on a cluster.
    """

    stage = "search"

    def __init__(self, store: StoreAddress | str, query: Query, progress: int | None = None, clock: Clock = utc_now) -> None:
        super().__init__(store, clock)
        self.query = query
        self.progress = progress

    def process(self, _start: object) -> Iterator[tuple[str, ...]]:
        progress = Progress() if self.progress is None else _progress[self.progress]
        for page in self._pages():
            for batch in batches(page):
                if progress.stop.is_set():
                    return
                progress.found += len(batch)
                self.count("stories_found", len(batch))
                yield batch

    def _pages(self) -> Iterator[list[str]]:
        after: str | None = None
        while True:
            page = self.store.stories.search(SearchRequest(self.query, limit=_PAGE, after=after))
            yield [found.read.story.id for found in page.found]
            if page.next is None:
                return
            after = page.next


class Recall(Step):
    """Batches of ids of stored stories in, passages out that answer for nothing landed; with the reading, where it is today's."""

    stage = "search"

    def __init__(self, store: StoreAddress | str, today: str, clock: Clock = utc_now, *, tells: bool = False) -> None:
        super().__init__(store, clock)
        self.today = today
        self.tells = tells

    def process(self, ids: tuple[str, ...]) -> Iterator[tuple[Passage, ...]]:
        current = {read.story.id: read for read in self.store.stories.get(ids).values()}
        yield tuple(map(self._passage, current.values()))

    def _passage(self, read: ReadStory) -> Passage:
        is_read = read.reading.edition == self.today and read.reading.version_id == read.story.versions[-1].id
        return Passage(read.story, (), False, read.revision, self.tells, read.reading if is_read else None)


class IndexChanged(IndexStories):
    """As `IndexStories`; what is stored just so is not written again."""

    def _indexed(self, passages: Sequence[Passage]) -> list[Passage]:
        stored = self.store.stories.get([passage.story.id for passage in passages])
        changed = [passage for passage in passages if stored.get(passage.story.id) != read_story(passage)]
        # By the id that each had: it may have turned out to be another story's meanwhile.
        written = dict(zip((passage.story.id for passage in changed), super()._indexed(changed), strict=True))
        return [written.get(passage.story.id, passage) for passage in passages]
