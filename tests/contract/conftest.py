"""Every implementation of a role, so that one suite holds them all to it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from pipeline.store.roles import Claims, DeadLetters, FeedSchedule, Landing, Outbox
from pipeline.store.sqlite.claims import SqliteClaims
from pipeline.store.sqlite.database import Database
from pipeline.store.sqlite.dead_letters import SqliteDeadLetters
from pipeline.store.sqlite.feeds import SqliteFeedSchedule
from pipeline.store.sqlite.landing import SqliteLanding
from pipeline.store.sqlite.outbox import SqliteOutbox
from tests.fakes import MemoryStore


class Roles(NamedTuple):
    """The roles that both implementations play so far."""

    feeds: FeedSchedule
    landing: Landing
    claims: Claims
    outbox: Outbox
    dead_letters: DeadLetters


@pytest.fixture(params=["memory", "sqlite"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Roles]:
    if request.param == "memory":
        memory = MemoryStore()
        yield Roles(memory.feeds, memory.landing, memory.claims, memory.outbox, memory.dead_letters)
        return
    database = Database(tmp_path / "store.db")
    yield Roles(
        SqliteFeedSchedule(database),
        SqliteLanding(database),
        SqliteClaims(database),
        SqliteOutbox(database),
        SqliteDeadLetters(database),
    )
    database.close()
