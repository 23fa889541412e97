"""Reading as a step of the chain. The processes that read live outside of Beam; a few batches are always on their way to them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import structlog
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from pipeline.clock import Clock, utc_now
from pipeline.language.edition import edition
from pipeline.language.names import EntitySettings
from pipeline.language.pool import Readings, Underway, pool_for
from pipeline.language.read import ReadFailure, text_of
from pipeline.language.recall import LEARNT_AT_FIRST, Memory
from pipeline.language.resources import NO_RESOURCES, Resources
from pipeline.model import Passage, Reading, Story
from pipeline.store.address import StoreAddress
from pipeline.store.beam import Step, batches
from pipeline.store.roles import Store
from pipeline.store.search import SearchRequest

log = structlog.get_logger()

IN_FLIGHT = 3
"""Batches under way at once: enough that no process waits while the others' results are written."""
READ_TOGETHER = 32
"""Texts of a batch that one process is given at once: a large batch is spread over the cores."""
READ_WITHIN_S = 600.0
"""For a batch, retries in the pool included; the pool has stricter limits of its own."""


class _Flight(NamedTuple):
    passages: tuple[Passage, ...]
    readings: Sequence[Underway]
    """None at all where no passage needs reading: the batch keeps its place in the order."""


class ReadStories(Step):
    """Passages in, passages with their readings out, in order. A text that cannot be read is set aside."""

    stage = "language"

    def __init__(
        self,
        store: StoreAddress | str,
        entities: Mapping[str, EntitySettings],
        processes: int | None = None,
        resources: Resources = NO_RESOURCES,
        clock: Clock = utc_now,
    ) -> None:
        super().__init__(store, clock)
        self.entities = dict(entities)
        self.processes = processes
        self.resources = resources
        self.edition = edition(entities, resources)

    def start_bundle(self) -> None:
        self.flights: deque[_Flight] = deque()

    def process(self, passages: tuple[Passage, ...]) -> Iterator[tuple[Passage, ...]]:
        if passages:
            self.flights.append(_Flight(passages, self._submitted(passages)))
        while self.flights and (len(self.flights) > IN_FLIGHT or _has_landed(self.flights[0])):
            yield self._read(self.flights.popleft())

    def finish_bundle(self) -> Iterator[WindowedValue]:
        while self.flights:
            yield WindowedValue(self._read(self.flights.popleft()), GlobalWindow().max_timestamp(), (GlobalWindow(),))

    def _submitted(self, passages: tuple[Passage, ...]) -> list[Underway]:
        unread = [text_of(passage.story) for passage in passages if passage.reading is None]
        return [pool_for(self.entities, self.processes, self.resources).submit(part) for part in batches(unread, READ_TOGETHER)]

    def _read(self, flight: _Flight) -> tuple[Passage, ...]:
        results = (result for part in flight.readings for result in self._results(part))
        read = []
        for passage in flight.passages:
            result = next(results) if passage.reading is None else passage.reading
            if isinstance(result, ReadFailure):
                self.set_aside(self.of_passage(passage), result.error, passage.story.id)
            elif passage.reading is None:
                recalled = self._recalled(passage.story, result)
                self._tell(passage, recalled)
                read.append(passage._replace(reading=recalled._replace(edition=self.edition)))
            else:
                read.append(passage)
        return tuple(read)

    def _results(self, readings: Underway) -> Readings:
        results = readings.result(READ_WITHIN_S)
        self.count("batches_read")
        self.count("reading_us", round(readings.took_s * 1e6))
        return results

    def _recalled(self, story: Story, reading: Reading) -> Reading:
        """The reading with a lone surname of its headline joined to the one of that name that the stream knows of."""
        memory = memory_at(self.address, self.store)
        recalled = memory.recalled(reading, story.published_at)
        memory.learn(story.id, recalled, story.published_at)
        return recalled

    def _tell(self, passage: Passage, reading: Reading) -> None:
        names = {entity.key: entity.name for entity in reading.entities}
        self.count("stories_read")
        log.info(
            "story.read",
            story=passage.story.id,
            entities=[entity.name for entity in reading.entities[:12]],
            pairs=[[names[pair.a], names[pair.b]] for pair in reading.pairs[:12]],
            topics=[topic.name for topic in reading.topics],
        )


_memories: dict[StoreAddress | str, Memory] = {}
_learning = threading.Lock()


def memory_at(address: StoreAddress | str, store: Store) -> Memory:
    """This process's memory of the names in a store's stream; the first time, it learns them from the newest stories kept.

    Whoever asks meanwhile waits for that; where it fails, the next to ask begins anew.
    """
    with _learning:
        if address not in _memories:
            memory = Memory()
            for found in reversed(store.stories.search(SearchRequest(limit=LEARNT_AT_FIRST)).found):
                memory.learn(found.read.story.id, found.read.reading, found.read.story.published_at)
            _memories[address] = memory
        return _memories[address]


def _has_landed(flight: _Flight) -> bool:
    return all(part.done() for part in flight.readings)
