"""Landed item versions in SQLite.

`known` holds every id that ever landed, `landed` the content of those not finished: finishing is deleting a row, and what is
in progress stays a small table however long the service runs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline.model import FeedState, ItemVersion
from pipeline.store.codec import decode, encode, pack, unpack
from pipeline.store.sqlite.database import Database, microseconds, moment

_PAGE = 500


class SqliteLanding:
    """`Landing`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def land(self, versions: Sequence[ItemVersion], until: datetime, states: Sequence[FeedState] = ()) -> list[str]:
        if not versions and not states:
            return []
        packed = [(version, pack(version)) for version in versions]
        with self._database.writing() as connection:
            fresh: Counter[str] = Counter()
            ids = []
            for version, content in packed:
                connection.execute("INSERT INTO known VALUES(?) ON CONFLICT DO NOTHING", (version.id,))
                if connection.changes():
                    connection.execute(_LAND, (version.id, microseconds(until), content))
                    fresh[version.item.feed] += 1
                    ids.append(version.id)
            for state in states:
                _write_state(connection, state, fresh[state.url])
        return ids

    def unfinished(self, now: datetime, until: datetime, limit: int) -> list[str]:
        with self._database.writing() as connection:
            rows = connection.execute(
                "SELECT seq, id FROM landed WHERE leased_until <= ? ORDER BY seq LIMIT ?", (microseconds(now), limit)
            ).fetchall()
            connection.executemany(
                "UPDATE landed SET leased_until = ? WHERE seq = ?", [(microseconds(until), seq) for seq, _ in rows]
            )
        return [id for _, id in rows]

    def release(self) -> None:
        """Give back every lease."""
        with self._database.writing() as connection:
            connection.execute("UPDATE landed SET leased_until = 0")

    def read(self, ids: Sequence[str]) -> list[ItemVersion]:
        with self._database.reading() as connection:
            rows = [row for id in ids for row in connection.execute("SELECT item_version FROM landed WHERE id = ?", (id,))]
        return [unpack(content, ItemVersion) for (content,) in rows]

    def finish(self, ids: Sequence[str]) -> None:
        if ids:
            with self._database.writing() as connection:
                connection.executemany("DELETE FROM landed WHERE id = ?", [(id,) for id in ids])

    def reopen(self, versions: Sequence[ItemVersion], until: datetime) -> None:
        if versions:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT INTO known VALUES(?) ON CONFLICT DO NOTHING", [(version.id,) for version in versions]
                )
                connection.executemany(_LAND, [(version.id, microseconds(until), pack(version)) for version in versions])

    def next_due_at(self) -> datetime | None:
        with self._database.reading() as connection:
            ((first,),) = connection.execute("SELECT min(leased_until) FROM landed").fetchall()
        return None if first is None else moment(first)

    def unfinished_count(self) -> int:
        with self._database.reading() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM landed").fetchall()
        return int(count)

    def waiting(self) -> Iterator[ItemVersion]:
        last, page = -1, [(0, b"")]
        while page:
            with self._database.reading() as connection:
                page = connection.execute(
                    "SELECT seq, item_version FROM landed WHERE seq > ? ORDER BY seq LIMIT ?", (last, _PAGE)
                ).fetchall()
            yield from (unpack(content, ItemVersion) for _, content in page)
            last = page[-1][0] if page else last

    def known(self) -> Iterator[str]:
        last, page = "", [("",)]
        while page:
            with self._database.reading() as connection:
                page = connection.execute(
                    "SELECT item_version_id FROM known WHERE item_version_id > ? ORDER BY item_version_id LIMIT ?",
                    (last, 10 * _PAGE),
                ).fetchall()
            yield from (id for (id,) in page)
            last = page[-1][0] if page else last

    def remember(self, ids: Sequence[str]) -> None:
        if ids:
            with self._database.writing() as connection:
                connection.executemany("INSERT INTO known VALUES(?) ON CONFLICT DO NOTHING", [(id,) for id in ids])


_LAND = """INSERT INTO landed(id, leased_until, item_version) VALUES(?, ?, ?)
    ON CONFLICT(id) DO UPDATE SET leased_until = excluded.leased_until"""


def _write_state(connection: Any, state: FeedState, new_items: int) -> None:
    stored = connection.execute("SELECT state FROM feed WHERE url = ?", (state.url,)).fetchall()
    items = decode(stored[0][0], FeedState).items if stored else 0
    connection.execute(
        """INSERT INTO feed VALUES(?, 1, ?, ?)
        ON CONFLICT(url) DO UPDATE SET next_poll_at = excluded.next_poll_at, state = excluded.state""",
        (state.url, microseconds(state.next_poll_at), encode(state._replace(items=items + new_items))),
    )
