"""Every role of the store on one SQLite file."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import apsw

from pipeline.store.roles import SKETCHES_KEPT
from pipeline.store.sqlite import retention
from pipeline.store.sqlite.bands import SqliteBands
from pipeline.store.sqlite.claims import SqliteClaims
from pipeline.store.sqlite.database import Database, microseconds
from pipeline.store.sqlite.dead_letters import SqliteDeadLetters
from pipeline.store.sqlite.events import SqliteEvents
from pipeline.store.sqlite.feeds import SqliteFeedSchedule
from pipeline.store.sqlite.habits import SqliteHabits
from pipeline.store.sqlite.landing import SqliteLanding
from pipeline.store.sqlite.outbox import SqliteOutbox
from pipeline.store.sqlite.presence import Presence
from pipeline.store.sqlite.stories import SqliteStories

_TURN = "INSERT INTO turn VALUES(?, ?) ON CONFLICT(work) DO UPDATE SET until = excluded.until WHERE until <= ?"


class SqliteStore:
    """`Store` on the file at `path`, made if it is not there. Raises `ConfigError` where it cannot be opened."""

    def __init__(self, path: Path) -> None:
        self.name = f"SQLite {apsw.sqlite_lib_version()}"
        self._database = Database(path)
        self._presence = Presence(path.with_name(path.name + "-work"))
        self._was_alone = False
        self.feeds = SqliteFeedSchedule(self._database)
        self.landing = SqliteLanding(self._database)
        self.claims = SqliteClaims(self._database)
        self.stories = SqliteStories(self._database)
        self.bands = SqliteBands(self._database)
        self.habits = SqliteHabits(self._database)
        self.events = SqliteEvents(self._database)
        self.outbox = SqliteOutbox(self._database)
        self.dead_letters = SqliteDeadLetters(self._database)

    def take_over(self) -> bool:
        if self._presence.is_entered:
            return self._was_alone
        with self._presence.entering() as is_alone:
            self._was_alone = is_alone
            if is_alone:
                self.feeds.release()
                self.landing.release()
                self.outbox.release()
        return is_alone

    def take_turn(self, work: str, now: datetime, until: datetime) -> bool:
        with self._database.writing() as connection:
            connection.execute(_TURN, (work, microseconds(until), microseconds(now)))
            return bool(connection.changes())

    def tend(self, now: datetime, stories_for: timedelta | None = None) -> bool:
        self.bands.forget()
        self.events.forget(now - min(SKETCHES_KEPT, stories_for or SKETCHES_KEPT))
        return stories_for is not None and retention.drop(self._database, now - stories_for)

    def close(self) -> None:
        self._presence.leave()
        self._database.close()
