"""Hits, alerts and deliveries in SQLite. A delivery that is waiting has a `due_at`; one that is delivered or dead has none."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline.model import Alert, Delivery, Hit
from pipeline.store.codec import decode, encode
from pipeline.store.sqlite.database import Database, microseconds, moment

_PAGE = 500


class SqliteOutbox:
    """`Outbox`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known_hits(self, ids: Collection[str]) -> set[str]:
        with self._database.reading() as connection:
            return {id for id in ids if connection.execute("SELECT 1 FROM hit WHERE id = ?", (id,)).fetchall()}

    def tell(self, hits: Sequence[Hit], alerts: Sequence[Alert], deliveries: Sequence[Delivery]) -> list[str]:
        if not hits and not alerts and not deliveries:
            return []
        with self._database.writing() as connection:
            connection.executemany(
                "INSERT INTO hit VALUES(?, ?, ?) ON CONFLICT DO NOTHING",
                [(h.id, microseconds(h.found_at), encode(h)) for h in hits],
            )
            fresh = [alert.id for alert in alerts if _is_new(connection, alert)]
            known = {alert.id for alert in alerts} - set(fresh)
            connection.executemany(
                "INSERT INTO delivery VALUES(?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                [_row(delivery) for delivery in deliveries if delivery.alert_id not in known],
            )
        return fresh

    def lease(self, now: datetime, until: datetime, limit: int, without: Collection[str] = ()) -> list[Delivery]:
        passed_over = ", ".join("?" * len(without))
        due = f"SELECT id, delivery FROM delivery WHERE due_at <= ? AND webhook NOT IN ({passed_over}) ORDER BY due_at LIMIT ?"
        with self._database.reading() as connection:
            if not connection.execute(due, (microseconds(now), *without, 1)).fetchall():
                return []
        with self._database.writing() as connection:
            rows = connection.execute(due, (microseconds(now), *without, limit)).fetchall()
            connection.executemany("UPDATE delivery SET due_at = ? WHERE id = ?", [(microseconds(until), id) for id, _ in rows])
        return [decode(delivery, Delivery) for _, delivery in rows]

    def release(self) -> None:
        """Give back every lease: a delivery is due again when its last attempt said."""
        with self._database.writing() as connection:
            rows = connection.execute("SELECT delivery FROM delivery WHERE due_at IS NOT NULL").fetchall()
            waiting = [decode(delivery, Delivery) for (delivery,) in rows]
            connection.executemany("INSERT OR REPLACE INTO delivery VALUES(?, ?, ?, ?, ?)", map(_row, waiting))

    def next_due_at(self) -> datetime | None:
        with self._database.reading() as connection:
            ((first,),) = connection.execute("SELECT min(due_at) FROM delivery WHERE due_at IS NOT NULL").fetchall()
        return None if first is None else moment(first)

    def waiting_count(self) -> int:
        with self._database.reading() as connection:
            ((count,),) = connection.execute("SELECT count(*) FROM delivery WHERE due_at IS NOT NULL").fetchall()
        return int(count)

    def record(self, deliveries: Sequence[Delivery]) -> None:
        if deliveries:
            with self._database.writing() as connection:
                connection.executemany(
                    "INSERT OR REPLACE INTO delivery VALUES(?, ?, ?, ?, ?)", [_row(delivery) for delivery in deliveries]
                )

    def hits(self) -> Iterator[Hit]:
        last, page = (-1, ""), [(0, "", b"")]
        while page:
            with self._database.reading() as connection:
                page = connection.execute(
                    "SELECT found_at, id, hit FROM hit WHERE (found_at, id) > (?, ?) ORDER BY found_at, id LIMIT ?", (*last, _PAGE)
                ).fetchall()
            yield from (decode(hit, Hit) for _, _, hit in page)
            last = page[-1][:2] if page else last

    def alerts(self, ids: Collection[str] | None = None) -> Iterator[Alert]:
        with self._database.reading() as connection:
            keys = (
                connection.execute("SELECT id FROM alert ORDER BY created_at DESC, id").fetchall()
                if ids is None
                else sorted(_dated(connection, ids))
            )
        for key in keys:
            with self._database.reading() as connection:
                rows = connection.execute("SELECT alert FROM alert WHERE id = ?", (key[-1],)).fetchall()
            yield from (decode(alert, Alert) for (alert,) in rows)

    def deliveries(self, alert_ids: Collection[str]) -> list[Delivery]:
        of = "SELECT delivery FROM delivery WHERE alert_id = ? ORDER BY webhook"
        with self._database.reading() as connection:
            return [decode(delivery, Delivery) for id in alert_ids for (delivery,) in connection.execute(of, (id,))]


def _dated(connection: Any, ids: Collection[str]) -> list[tuple[int, str]]:
    """The alerts among `ids`, so that sorting puts the newest first."""
    return [
        (-created_at, id) for id in ids for (created_at,) in connection.execute("SELECT created_at FROM alert WHERE id = ?", (id,))
    ]


def _is_new(connection: Any, alert: Alert) -> bool:
    """Keep an alert; one that is kept already gains the stories it lacks."""
    stored = connection.execute("SELECT alert FROM alert WHERE id = ?", (alert.id,)).fetchall()
    if not stored:
        connection.execute("INSERT INTO alert VALUES(?, ?, ?)", (alert.id, microseconds(alert.created_at), encode(alert)))
        return True
    known = decode(stored[0][0], Alert)
    joined = tuple(dict.fromkeys((*known.story_ids, *alert.story_ids)))
    if joined != known.story_ids:
        connection.execute("UPDATE alert SET alert = ? WHERE id = ?", (encode(known._replace(story_ids=joined)), alert.id))
    return False


def _row(delivery: Delivery) -> tuple[str, str, str, int | None, bytes]:
    waiting = delivery.status == "waiting" and delivery.next_attempt_at is not None
    due_at = microseconds(delivery.next_attempt_at) if waiting and delivery.next_attempt_at else None
    return delivery.id, delivery.alert_id, delivery.webhook, due_at, encode(delivery)
