"""The chain over files of stories and archived feed documents, bounded; stopped and run again, it does nothing twice.

On one machine the files are read one after the other (`ReadFiles`), and it is shown how far it is. On a cluster they are read in
parts by whoever is free (`ReadInParallel`); there what is sighted when is made of where it stands, so that what the files say last
counts as the last, whoever reads it first. What has landed and was never finished is finished by whoever reads it again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import structlog
from apache_beam.io.filesystems import FileSystems
from apache_beam.options.pipeline_options import PipelineOptions

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.feeds.files import Refused, is_lines, is_packed, pieces
from pipeline.jobs.flink import finish_on_flink
from pipeline.jobs.ingest import TellStories
from pipeline.jobs.places import Place, Places, placed
from pipeline.jobs.regroup import regroup
from pipeline.jobs.runner import LocalJob
from pipeline.jobs.submission import Submission
from pipeline.language.pool import pool_for
from pipeline.language.resources import resources_of
from pipeline.model import DeadLetter, ItemVersion, stable_id
from pipeline.store.address import StoreAddress, address_of, store_at
from pipeline.store.beam import LEASE, Step, batches
from pipeline.stories.beam import TakeUnfinished

log = structlog.get_logger()

_LANDED_AT_ONCE = 128
PART_BYTES = 64_000_000
"""Of a file of lines, what one reads at a time where several read; other files are read by one."""
_SHORTEST_STORY = 8
"""Bytes: no story takes fewer in a file, so that a microsecond for every so many gives each a time of its own."""


@dataclass
class Progress:
    """How far a backfill has come; written by the job's thread, read by whoever shows it."""

    bytes_total: int = 0
    bytes_read: int = 0
    read: int = 0
    """Item versions and lines read."""
    new: int = 0
    """Of these, those that had never landed before."""
    refused: int = 0
    files: Places = field(default_factory=lambda: Places((), ()))
    stop: threading.Event = field(default_factory=threading.Event)
    counts: Counter[str] = field(default_factory=Counter)
    """What the job counted (`pipeline.store.beam` says what), once it has ended."""


_progress: dict[int, Progress] = {}
"""By id: Beam copies its steps, and the copy has to find the one that the caller shows."""


def backfill(
    settings: Settings, paths: Sequence[Path | str], progress: Progress, *, tells: bool = False, clock: Clock = utc_now
) -> None:
    """Take every story in `paths` the whole way; with `tells`, hits make alerts.

    What came is grouped into events again at the end. Raises `ConfigError` for a path that does not exist, `TransientError` where
    the store is away. Setting `progress.stop` ends it once what is under way is finished.
    """
    ask_of_file_systems(())
    progress.files = placed(paths)
    progress.bytes_total = sum(place.size_bytes for place in progress.files.places)
    _progress[id(progress)] = progress
    store = address_of(settings)
    store_at(store).take_over()
    pool_for(settings.entities, settings.processes, resources_of(settings))
    try:
        progress.counts = LocalJob(
            lambda pipeline: (
                pipeline
                | "files" >> beam.Create(["files"], reshuffle=False)
                | "read files" >> beam.ParDo(ReadFiles(store, id(progress), clock, tells=tells))
                | TellStories(settings, clock)
            )
        ).run()
        if not progress.stop.is_set():
            regroup(store_at(store), clock(), settings.events.window)
    finally:
        del _progress[id(progress)]


def backfill_on_flink(
    settings: Settings,
    paths: Sequence[Path | str],
    submission: Submission,
    stop: threading.Event,
    say: Callable[[str], None],
    *,
    tells: bool = False,
    clock: Clock = utc_now,
) -> Counter[str]:
    """As `backfill`, by a cluster that reaches the paths as this machine does; answers what it counted.

    Raises as `backfill` and `finish_on_flink`.
    """
    ask_of_file_systems(submission.options)
    placed(paths)
    read = ReadInParallel(address_of(settings), paths, clock(), clock, tells=tells, options=submission.options)
    counts = finish_on_flink(settings, submission, lambda pipeline, given: pipeline | read | TellStories(given, clock), stop, say)
    if not stop.is_set():
        regroup(store_at(address_of(settings)), clock(), settings.events.window)
    return counts


def ask_of_file_systems(options: Sequence[str]) -> None:
    """Let this process's file systems go by Beam's `options`: a pool's workers are told none, and S3's does not begin without."""
    FileSystems.set_options(PipelineOptions(list(options)))


class Landed(NamedTuple):
    """Ids of item versions in files."""

    new: list[str]
    left: list[str]
    """Of those that had landed before, the ones that nobody has finished."""


class Lands(Step):
    """What lands the pieces of files, and sets aside those that are refused. `options` are Beam's, for its file systems."""

    stage = "feeds"

    def __init__(self, store: StoreAddress | str, clock: Clock = utc_now, options: Sequence[str] = ()) -> None:
        super().__init__(store, clock)
        self.options = tuple(options)

    def setup(self) -> None:
        super().setup()
        ask_of_file_systems(self.options)

    def landed(self, found: Sequence[ItemVersion | Refused]) -> Landed:
        """Land what was found."""
        versions = [piece for piece in found if isinstance(piece, ItemVersion)]
        refused = [self._dead(piece) for piece in found if isinstance(piece, Refused)]
        ids = self.store.landing.land(versions, self.clock() + LEASE)
        self.store.dead_letters.add(refused)
        self.count("items", len(versions))
        self.count("items_landed", len(ids))
        self.count("dead_letters", len(refused))
        new = set(ids)
        known = [id for id in dict.fromkeys(version.id for version in versions) if id not in new]
        return Landed(ids, [version.id for version in self.store.landing.read(known)])

    def _dead(self, piece: Refused) -> DeadLetter:
        log.warning("dead_letter", stage=self.stage, about=piece.about, error=piece.error)
        name = stable_id("dead", piece.about)
        return DeadLetter(name, self.stage, piece.error, piece.content, piece.kind, self.clock(), piece.about)


# ── one after the other ──────────────────────────────────────────────────────────────────────────────────────────


class ReadFiles(Lands):
    """A start in, batches of landed ids out: first what an earlier run left unfinished, then the files in order."""

    def __init__(self, store: StoreAddress | str, progress: int, clock: Clock = utc_now, *, tells: bool = False) -> None:
        super().__init__(store, clock)
        self.progress = progress
        self.tells = tells

    def process(self, start: object) -> Iterator[tuple[str, ...]]:
        progress = _progress[self.progress]
        take = TakeUnfinished(self.address, self.clock, limit=2**31)
        take.setup()
        yield from take.process(start)
        now = self.clock()
        self._landed(progress.files.refused, progress)
        for place in progress.files.places:
            for found in batches(pieces(place.open, place.name, now, tells=self.tells), _LANDED_AT_ONCE):
                if progress.stop.is_set():
                    return
                landed = self._landed(found, progress)
                yield from batches([*landed.new, *landed.left])
                now = max(now + timedelta(microseconds=len(found)), self.clock())
            progress.bytes_read += place.size_bytes

    def _landed(self, found: Sequence[ItemVersion | Refused], progress: Progress) -> Landed:
        landed = self.landed(found)
        progress.read += len(found)
        progress.new += len(landed.new)
        progress.refused += sum(isinstance(piece, Refused) for piece in found)
        return landed


# ── in parallel ──────────────────────────────────────────────────────────────────────────────────────────────────


class Part(NamedTuple):
    """What one reads: a file, or of a large file of lines those that begin from byte `start` to before `end`."""

    place: Place
    seen_at: datetime
    """When its first story counts as sighted: in order of path, and none later than when the backfill began."""
    start: int = 0
    end: int | None = None


class ReadInParallel(beam.PTransform):
    """A pipeline in, batches of landed ids out: what was left unfinished, and the files, in parts, by whoever is free.

    The order in which they land is nobody's. A `ConfigError` for a path that does not exist fails the job: ask `placed` first.
    """

    def __init__(
        self,
        store: StoreAddress | str,
        paths: Sequence[Path | str],
        began: datetime,
        clock: Clock = utc_now,
        *,
        tells: bool = False,
        part_bytes: int = PART_BYTES,
        options: Sequence[str] = (),
    ) -> None:
        """`options` are Beam's, for the file systems of the workers."""
        super().__init__()
        self.paths = tuple(str(path) for path in paths)
        self.find = FindParts(store, began, clock, part_bytes, options)
        self.read = ReadParts(store, clock, options, tells=tells)
        self.take = TakeUnfinished(store, clock, limit=2**31)

    def expand(self, pipeline: beam.Pipeline) -> beam.PCollection:
        left = pipeline | "begin" >> beam.Create(["begin"], reshuffle=False) | "left unfinished" >> beam.ParDo(self.take)
        read = (
            pipeline
            | "paths" >> beam.Create([self.paths], reshuffle=False)
            | "find parts" >> beam.ParDo(self.find)
            | "spread" >> beam.Reshuffle()
            | "read parts" >> beam.ParDo(self.read)
        )
        return (left, read) | beam.Flatten()


class FindParts(Lands):
    """Paths in, the parts of the files that they name out; folders that may not be looked into are set aside."""

    def __init__(
        self, store: StoreAddress | str, began: datetime, clock: Clock, part_bytes: int, options: Sequence[str] = ()
    ) -> None:
        super().__init__(store, clock, options)
        self.began = began
        self.part_bytes = part_bytes

    def process(self, paths: tuple[str, ...]) -> Iterator[Part]:
        files = placed(paths)
        self.landed(files.refused)
        yield from parts(files.places, self.began, self.part_bytes)


class ReadParts(Lands):
    """Parts in, batches of landed ids out: those that are new, and those that a worker had landed and not finished when it died."""

    def __init__(
        self, store: StoreAddress | str, clock: Clock = utc_now, options: Sequence[str] = (), *, tells: bool = False
    ) -> None:
        super().__init__(store, clock, options)
        self.tells = tells

    def process(self, part: Part) -> Iterator[tuple[str, ...]]:
        place = part.place
        read = pieces(place.open, place.name, part.seen_at, tells=self.tells, start=part.start, end=part.end)
        for found in batches(read, _LANDED_AT_ONCE):
            landed = self.landed(found)
            yield from batches([*landed.new, *landed.left])


def parts(places: Sequence[Place], began: datetime, part_bytes: int = PART_BYTES) -> Iterator[Part]:
    """The parts of files, in order, each sighted after the one before and none after `began`."""
    left = sum(place.size_bytes for place in places)
    for place in places:
        ends = _ends(place, part_bytes)
        for start, end in zip([0, *ends], [*ends, None], strict=True):
            yield Part(place, began - timedelta(microseconds=(left - start) // _SHORTEST_STORY), start, end)
        left -= place.size_bytes


def _ends(place: Place, part_bytes: int) -> list[int]:
    """Where a file is cut: none but lines that are not gzipped can be."""
    if not is_lines(place.path) or is_packed(place.path):
        return []
    return list(range(part_bytes, place.size_bytes, part_bytes))
