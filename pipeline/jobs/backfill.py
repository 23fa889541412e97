"""The chain over files of stories and archived feed documents, bounded; stopped and run again, it does nothing twice."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import apache_beam as beam
import structlog

from pipeline.clock import Clock, utc_now
from pipeline.config import Settings
from pipeline.feeds.files import Files, Refused, found, read
from pipeline.jobs.ingest import TellStories
from pipeline.jobs.regroup import regroup
from pipeline.jobs.runner import LocalJob
from pipeline.language.pool import pool_for
from pipeline.model import DeadLetter, ItemVersion, stable_id
from pipeline.store.address import StoreAddress, address_of, store_at
from pipeline.store.beam import LEASE, Step, batches
from pipeline.stories.beam import TakeUnfinished

log = structlog.get_logger()

_LANDED_AT_ONCE = 128


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
    files: Files = field(default_factory=lambda: Files((), ()))
    stop: threading.Event = field(default_factory=threading.Event)


_progress: dict[int, Progress] = {}
"""By id: Beam copies its steps, and the copy has to find the one that the caller shows."""


def backfill(settings: Settings, paths: Sequence[Path], progress: Progress, *, tells: bool = False, clock: Clock = utc_now) -> None:
    """Take every story in `paths` the whole way; with `tells`, hits make alerts.

    What came is grouped into events again at the end. Raises `ConfigError` for a path that does not exist, `TransientError` where
    the store is away. Setting `progress.stop` ends it once what is under way is finished.
    """
    progress.files = found(paths)
    progress.bytes_total = sum(map(_size, progress.files.paths))
    _progress[id(progress)] = progress
    store = address_of(settings)
    store_at(store).take_over()
    pool_for(settings.entities, settings.processes)
    try:
        LocalJob(
            lambda pipeline: (
                pipeline
                | "files" >> beam.Create(["files"], reshuffle=False)
                | "read files" >> beam.ParDo(ReadFiles(store, id(progress), clock, tells=tells))
                | TellStories(settings, clock)
            )
        ).run()
        if not progress.stop.is_set():
            regroup(store_at(store), clock())
    finally:
        del _progress[id(progress)]


class ReadFiles(Step):
    """A start in, batches of landed ids out: first what an earlier run left unfinished, then the files in order."""

    stage = "feeds"

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
        for path in progress.files.paths:
            for pieces in batches(read(path, now, tells=self.tells), _LANDED_AT_ONCE):
                if progress.stop.is_set():
                    return
                yield from batches(self._landed(pieces, progress))
                now = max(now + timedelta(microseconds=len(pieces)), self.clock())
            progress.bytes_read += _size(path)

    def _landed(self, pieces: Sequence[ItemVersion | Refused], progress: Progress) -> list[str]:
        versions = [piece for piece in pieces if isinstance(piece, ItemVersion)]
        refused = [piece for piece in pieces if isinstance(piece, Refused)]
        ids = self.store.landing.land(versions, self.clock() + LEASE)
        self.store.dead_letters.add([self._dead(piece) for piece in refused])
        progress.read += len(pieces)
        progress.new += len(ids)
        progress.refused += len(refused)
        return ids

    def _dead(self, piece: Refused) -> DeadLetter:
        log.warning("dead_letter", stage=self.stage, about=piece.about, error=piece.error)
        name = stable_id("dead", piece.about)
        return DeadLetter(name, self.stage, piece.error, piece.content, piece.kind, self.clock(), piece.about)


def _size(path: Path) -> int:
    """Bytes of a file; none of one that went away: reading it says so."""
    try:
        return path.stat().st_size
    except OSError:
        return 0
