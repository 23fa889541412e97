"""What is too old, dropped a batch at a time: a transaction of some milliseconds, between which others write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import orjson

from pipeline.model import Alert
from pipeline.store.codec import decode
from pipeline.store.sqlite.database import Database, microseconds
from pipeline.store.sqlite.events import withdraw
from pipeline.store.sqlite.stories import PLACES, remove

_BATCH = 200

_UNTOLD = "SELECT alert FROM alert WHERE id IN (SELECT alert_id FROM delivery WHERE due_at IS NOT NULL)"
_STORIES = "SELECT id, story_id FROM story WHERE id < ? AND story_id NOT IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?"
_HITS = "DELETE FROM hit WHERE id IN (SELECT id FROM hit WHERE found_at < ? ORDER BY found_at LIMIT ?)"
_ALERTS = """SELECT id FROM alert WHERE created_at < ?
    AND NOT EXISTS (SELECT 1 FROM delivery WHERE alert_id = alert.id AND due_at IS NOT NULL) ORDER BY created_at LIMIT ?"""


def drop(database: Database, before: datetime) -> bool:
    """Drop a batch of the stories published, the hits found and the alerts made before then; whether there may be more.

    With a story goes its sketch, with the last story of an event what is known of that.
    """
    with database.writing() as connection:
        untold = [decode(alert, Alert) for (alert,) in connection.execute(_UNTOLD)]
        told_of = orjson.dumps([id for alert in untold for id in alert.story_ids]).decode()
        place = int(before.timestamp()) * PLACES
        stories = connection.execute(_STORIES, (place, told_of, _BATCH)).fetchall()
        for id, _ in stories:
            remove(connection, id)
        withdraw(connection, [story_id for _, story_id in stories])
        connection.execute("DELETE FROM event WHERE last_published_at < ?", (microseconds(before),))
        connection.execute(_HITS, (microseconds(before), _BATCH))
        hits = connection.changes()
        alerts = _drop_alerts(connection, before)
    return _BATCH in (len(stories), hits, alerts)


def _drop_alerts(connection: Any, before: datetime) -> int:
    ids = connection.execute(_ALERTS, (microseconds(before), _BATCH)).fetchall()
    connection.executemany("DELETE FROM delivery WHERE alert_id = ?", ids)
    connection.executemany("DELETE FROM alert WHERE id = ?", ids)
    return len(ids)
