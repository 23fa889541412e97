"""What a process that died had under way in SQLite, and who may take it up at once."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.model import Delivery, Item, ItemVersion
from pipeline.store.sqlite.store import SqliteStore

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)
FEED = "https://news.example/rss"
VERSION = ItemVersion("a", Item(FEED, "a", "https://news.example/a", "A", "Words.", is_html=False), NOW)
WORKS_UNTIL_KILLED = """
import sys, time
from pathlib import Path
from pipeline.store.sqlite.store import SqliteStore
store = SqliteStore(Path(sys.argv[1]))
store.take_over()
print("at work", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database where a feed, a version and a delivery are leased for an hour by nobody who still lives."""
    path = tmp_path / "store.db"
    dead = SqliteStore(path)
    dead.take_over()
    dead.feeds.subscribe([FEED], NOW)
    dead.feeds.lease(NOW, LATER, 10)
    dead.landing.land([VERSION], LATER)
    dead.outbox.tell([], [], [Delivery("msg_1", "alert", "desk", "waiting", NOW)])
    dead.outbox.lease(NOW, LATER, 10)
    dead.close()
    return path


@pytest.fixture
def store(path: Path) -> Iterator[SqliteStore]:
    store = SqliteStore(path)
    yield store
    store.close()


def free(store: SqliteStore) -> tuple[int, int, int]:
    """How many feeds, versions and deliveries are free; they are leased by it."""
    return (
        len(store.feeds.lease(NOW, LATER, 10)),
        len(store.landing.unfinished(NOW, LATER, 10)),
        len(store.outbox.lease(NOW, LATER, 10)),
    )


def test_who_is_alone_takes_up_at_once_what_a_dead_one_left(store: SqliteStore):
    """A service that was killed goes on where it was, without waiting for its own leases to end."""
    assert free(store) == (0, 0, 0)
    store.take_over()
    assert free(store) == (1, 1, 1)


def test_what_it_leased_itself_stays_leased(store: SqliteStore):
    """A second call in one process is not a second start."""
    store.take_over()
    assert free(store) == (1, 1, 1)
    store.take_over()
    assert free(store) == (0, 0, 0)


def test_who_works_is_not_robbed_by_who_comes_second(store: SqliteStore, path: Path):
    """A backfill beside a running service leaves the service what it has under way, until the service is dead."""
    with subprocess.Popen([sys.executable, "-c", WORKS_UNTIL_KILLED, str(path)], stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout
            assert other.stdout.readline() == b"at work\n"
            free(store)
            second = SqliteStore(path)
            second.take_over()
            assert free(second) == (0, 0, 0)
            second.close()
        finally:
            other.kill()
    third = SqliteStore(path)
    third.take_over()
    assert free(third) == (1, 1, 1)
    third.close()
