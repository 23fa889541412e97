"""The feed schedule in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from pipeline.model import FeedState
from pipeline.store.codec import decode, encode
from pipeline.store.roles import KnownFeed
from pipeline.store.sqlite.database import Database, microseconds, moment


class SqliteFeedSchedule:
    """`FeedSchedule`: `next_poll_at` stands in a column of its own, so that a lease moves it without touching the state."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def subscribe(self, urls: Collection[str], now: datetime) -> None:
        wanted = set(urls)
        with self._database.writing() as connection:
            known = dict(connection.execute("SELECT url, subscribed FROM feed"))
            changed = [(url in wanted, url) for url, subscribed in known.items() if bool(subscribed) != (url in wanted)]
            connection.executemany("UPDATE feed SET subscribed = ? WHERE url = ?", changed)
            fresh = [(url, microseconds(now), encode(FeedState(url, now))) for url in sorted(wanted - known.keys())]
            connection.executemany("INSERT INTO feed VALUES(?, 1, ?, ?)", fresh)

    def lease(self, now: datetime, until: datetime, limit: int) -> list[FeedState]:
        due = "SELECT url FROM feed WHERE subscribed AND next_poll_at <= ? ORDER BY next_poll_at LIMIT ?"
        with self._database.writing() as connection:
            urls = [url for (url,) in connection.execute(due, (microseconds(now), limit))]
            leased = "UPDATE feed SET next_poll_at = ? WHERE url = ? RETURNING state"
            return [decode(state, FeedState) for url in urls for (state,) in connection.execute(leased, (microseconds(until), url))]

    def release(self) -> None:
        """Give back every lease: a feed is due again when its last poll said."""
        with self._database.writing() as connection:
            rows = connection.execute("SELECT url, next_poll_at, state FROM feed").fetchall()
            due = [(microseconds(decode(state, FeedState).next_poll_at), url, stands) for url, stands, state in rows]
            moved = [(at, url) for at, url, stands in due if at != stands]
            connection.executemany("UPDATE feed SET next_poll_at = ? WHERE url = ?", moved)

    def next_due_at(self) -> datetime | None:
        with self._database.reading() as connection:
            ((first,),) = connection.execute("SELECT min(next_poll_at) FROM feed WHERE subscribed").fetchall()
        return None if first is None else moment(first)

    def states(self) -> list[FeedState]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT state FROM feed WHERE subscribed ORDER BY url").fetchall()
        return [decode(state, FeedState) for (state,) in rows]

    def all(self) -> Iterator[KnownFeed]:
        with self._database.reading() as connection:
            rows = connection.execute("SELECT state, subscribed FROM feed ORDER BY url").fetchall()
        return (KnownFeed(decode(state, FeedState), bool(subscribed)) for state, subscribed in rows)

    def keep(self, feeds: Sequence[KnownFeed]) -> None:
        rows = [(state.url, subscribed, microseconds(state.next_poll_at), encode(state)) for state, subscribed in feeds]
        if rows:
            with self._database.writing() as connection:
                connection.executemany("INSERT OR REPLACE INTO feed VALUES(?, ?, ?, ?)", rows)
