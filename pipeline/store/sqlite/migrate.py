"""An older version's database, brought up to date in place: what searches the stories is made anew from them.

It may be stopped, or killed, and run again: it goes on where it was.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pipeline.store.sqlite.database import SCHEMA_VERSION, SEARCH, Database
from pipeline.store.sqlite.stories import FIRST, SqliteStories

_BATCH = 200


def migrate(path: Path, progress: Callable[[int, int], None] | None = None) -> int:
    """Bring the database at `path` to the newest schema; answers how many stories it holds, 0 where it was up to date.

    `progress` hears how many stories were indexed again so far, and how many there are.
    """
    database = Database(path, migrating=True)
    try:
        with database.reading() as connection:
            ((version,),) = connection.execute("PRAGMA user_version").fetchall()
        return _indexed_again(database, progress) if version < SCHEMA_VERSION else 0
    finally:
        database.close()


def _indexed_again(database: Database, progress: Callable[[int, int], None] | None) -> int:
    with database.writing() as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migration'").fetchall():
            connection.execute("DROP TABLE story_text")
            connection.execute(SEARCH)
            connection.execute("CREATE TABLE migration(done INTEGER NOT NULL)")
            connection.execute("INSERT INTO migration VALUES(?)", (FIRST,))
        ((done,),) = connection.execute("SELECT done FROM migration").fetchall()
    stories = SqliteStories(database)
    total, indexed = stories.count(), 0
    after: int | None = done
    while after is not None:
        after = stories.index_again(after, _BATCH)
        indexed = min(indexed + _BATCH, total)
        if progress:
            progress(indexed, total)
    with database.writing() as connection:
        connection.execute("DROP TABLE migration")
        connection.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    return total
