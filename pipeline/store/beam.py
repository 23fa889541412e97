"""What the chain's steps have in common: the store, opened where they run, counters, and dead letters for what fails.

What is counted, in Beam's own metrics, so that it can be read from the job on every runner (namespace `wirewatch`):
- `polls`, `polls_failed`; `items` sighted, `items_landed`, those never seen before;
- `stories_new`, `_updated`, `_duplicate`, `_read`, `_indexed`, `_finished`; `_found` to be read again, `_left` as they were;
- `batches_read`;
- `hits` and `alerts` that are new; `dead_letters`;
- `store_us` and `reading_us`: microseconds spent in calls to the store, and by the processes that read in reading.
What a runner does twice is counted twice: they tell what was done, and the store tells what there is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from functools import cache
from itertools import islice
from typing import TypeVar

import apache_beam as beam
import structlog
from apache_beam.metrics import Metrics
from apache_beam.runners.worker.log_handler import FnApiLogRecordHandler

from pipeline.clock import Clock, utc_now
from pipeline.config.problems import without_passwords
from pipeline.errors import TransientError
from pipeline.memory import settle
from pipeline.model import DeadLetter, ItemVersion, Passage, stable_id
from pipeline.store.address import StoreAddress, store_at
from pipeline.store.codec import encode
from pipeline.store.roles import Store
from pipeline.store.timed import timed

COUNTERS = "wirewatch"
"""The namespace of the job's counters."""

BATCH = 128
"""Stories that travel together: what the store is asked and writes in one."""

LEASE = timedelta(minutes=2)
"""How long landed item versions are left to whoever took them; after that somebody else may."""

OPENED_WITHIN_S = 60.0
"""A store that is away when a worker starts is waited for: else a cluster restarts the job over and over."""

log = structlog.get_logger()

A = TypeVar("A")
B = TypeVar("B")


class Step(beam.DoFn):
    """A step of the chain: elements are batches, so that the store is asked and written once a batch.

    Subclasses name their `stage`, the folder they stand in. A `TransientError` fails the bundle, which is tried again; any other
    error of one story makes dead letters of the item versions it answers for, and the rest of the batch goes on.
    """

    stage = ""

    def __init__(self, store: StoreAddress | str, clock: Clock = utc_now) -> None:
        self.address = store
        self.clock = clock

    def setup(self) -> None:
        speak_through_beam()
        _settled()
        self.store: Store = timed(store_at(self.address, OPENED_WITHIN_S), _counter("store_us").inc)

    def count(self, name: str, by: int = 1) -> None:
        """Add to the job's counter `name`."""
        if by:
            _counter(name).inc(by)

    def together(
        self, batch: Sequence[A], work: Callable[[Sequence[A]], list[B]], versions: Callable[[A], Sequence[ItemVersion]]
    ) -> list[B]:
        """`work` done on the whole of `batch`; where it fails, on each alone, and those that fail alone are set aside.

        `versions` answers the item versions that one of the batch stands for.
        """
        try:
            return work(batch)
        except TransientError:
            raise
        except Exception as error:  # noqa: BLE001 - whatever a hostile story provokes is that story's own dead letter
            if len(batch) == 1:
                self.set_aside(versions(batch[0]), error, _story_of(batch[0]))
                return []
            log.warning("batch.split", stage=self.stage, size=len(batch), error=str(error))
            return [result for each in batch for result in self.together([each], work, versions)]

    def of_passage(self, passage: Passage) -> list[ItemVersion]:
        """The item versions that a passage answers for."""
        return self.store.landing.read(passage.item_version_ids)

    def set_aside(self, versions: Sequence[ItemVersion], error: Exception | str, story: str | None = None) -> None:
        """Make dead letters of item versions, and finish them: they are not tried again until somebody asks.

        A `story` that nothing landed for, one that is read again, stays as it is stored.
        """
        why = error if isinstance(error, str) else str(error) or type(error).__name__
        if story is not None and not versions:
            self.count("stories_left")
            log.warning("story.left", stage=self.stage, story=story, error=why)
        letters = [self._letter(version, why) for version in versions]
        self.store.dead_letters.add(letters)
        self.store.landing.finish([version.id for version in versions])
        self.count("dead_letters", len(letters))
        for letter in letters:
            log.warning("dead_letter", stage=letter.stage, about=letter.about, error=letter.error)

    def _letter(self, version: ItemVersion, why: str) -> DeadLetter:
        about = f"{version.item.feed}: {version.item.title or version.item.url or version.item.guid}"
        return DeadLetter(
            stable_id("dead", version.id), self.stage, why, encode(version), "item_version", self.clock(), about[:500]
        )


def _story_of(element: object) -> str | None:
    return element.story.id if isinstance(element, Passage) else None


@cache
def _settled() -> None:
    """Once a process, whichever step it is given first: a cluster's workers are started by others."""
    settle()


@cache
def _counter(name: str) -> Metrics.DelegatingCounter:
    """Made once: making one takes longer than counting with it."""
    return Metrics.counter(COUNTERS, name)


def speak_through_beam() -> None:
    """Send the log where Beam's goes, unless told otherwise: nobody reads the standard output of a cluster's workers.

    In a container Beam has a log, with a level and times. The workers of its pool have none: what they say goes, with the time, to
    their standard error, which is the pool's.
    """
    if structlog.is_configured():
        return
    root = logging.getLogger()
    has_log = any(isinstance(handler, FnApiLogRecordHandler) for handler in root.handlers)
    structlog.configure(
        processors=[
            without_passwords,
            *([] if has_log else [structlog.processors.TimeStamper(fmt="iso")]),
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "event"], drop_missing=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    if not has_log:
        logging.basicConfig()
        logging.getLogger("pipeline").setLevel(logging.INFO)


def batches(elements: Iterable[A], size: int = BATCH) -> Iterator[tuple[A, ...]]:
    """`elements` in tuples of up to `size`, in order."""
    rest = iter(elements)
    while batch := tuple(islice(rest, size)):
        yield batch
