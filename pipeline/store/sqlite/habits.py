"""What publishers say over and over, in SQLite: a row each."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

from pipeline.model import Habit
from pipeline.store.codec import decode, encode
from pipeline.store.sqlite.database import Database


class SqliteHabits:
    """`Habits`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def get(self, sources: Collection[str]) -> dict[str, Habit]:
        statement = "SELECT revision, habit FROM habit WHERE source = ?"
        with self._database.reading() as connection:
            rows = [row for source in sources for row in connection.execute(statement, (source,))]
        kept = [decode(habit, Habit)._replace(revision=revision) for revision, habit in rows]
        return {habit.source: habit for habit in kept}

    def all(self) -> Iterator[Habit]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT revision, habit FROM habit ORDER BY source").fetchall()
        return (decode(habit, Habit)._replace(revision=revision) for revision, habit in rows)

    def put(self, habits: Sequence[Habit]) -> set[str]:
        if not habits:
            return set()
        rows = [(habit.source, habit.revision, encode(habit._replace(revision=0))) for habit in habits]
        with self._database.writing() as connection:
            return {source for source, revision, habit in rows if not _is_written(connection, source, revision, habit)}


def _is_written(connection: Any, source: str, revision: int, habit: bytes) -> bool:
    stored = connection.execute("SELECT revision FROM habit WHERE source = ?", (source,)).fetchall()
    if (stored[0][0] if stored else 0) != revision:
        return False
    connection.execute("INSERT OR REPLACE INTO habit VALUES(?, ?, ?)", (source, revision + 1, habit))
    return True
