"""Dead letters in SQLite."""

from __future__ import annotations

import builtins
from collections.abc import Collection, Sequence

from pipeline.model import DeadLetter
from pipeline.store.codec import pack, unpack
from pipeline.store.sqlite.database import Database, microseconds


class SqliteDeadLetters:
    """`DeadLetters`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO dead_letter VALUES(?, ?, ?)", [(x.id, microseconds(x.at), pack(x)) for x in letters]
                )

    def list(self, ids: Collection[str] | None = None) -> builtins.list[DeadLetter]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT id, letter FROM dead_letter ORDER BY at DESC, id").fetchall()
        return [unpack(letter, DeadLetter) for id, letter in rows if ids is None or id in ids]

    def remove(self, letters: Sequence[DeadLetter]) -> None:
        if letters:
            with self._database.writing() as connection:
                connection.executemany(
                    "DELETE FROM dead_letter WHERE id = ? AND at = ?", [(letter.id, microseconds(letter.at)) for letter in letters]
                )
