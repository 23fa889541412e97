"""What a person is told: the alert of a hit, its deliveries, and the body that a webhook receives. No I/O, no clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from pipeline.model import Alert, Delivery, Hit, Story, stable_id

MAX_PAYLOAD_BYTES = 20_000
"""Standard Webhooks asks for payloads under 20 kB."""

_MAX_URL_BYTES = 2_000


class _Room(NamedTuple):
    """How much of an alert goes into a payload: code points of a text, things of a list."""

    text: int
    things: int


_ROOMS = (_Room(1_000, 10), _Room(400, 10), _Room(150, 5), _Room(60, 3))
"""Tried in turn. JSON makes up to six bytes of a code point; the last fits whatever it is filled with."""


def alert_id(watch: str, event_id: str) -> str:
    """The id of what one watch says of one event."""
    return stable_id("alert", watch, event_id)


def alert_of(hit: Hit, story: Story, now: datetime) -> Alert:
    """The alert that `hit` makes, told by `story`; a hit of the same watch on the same event makes one of the same id."""
    return Alert(
        id=alert_id(hit.watch, hit.event_id),
        watch=hit.watch,
        event_id=hit.event_id,
        story_ids=(story.id,),
        title=story.title,
        url=story.url,
        source=story.source,
        published_at=story.published_at,
        entities=hit.entities,
        evidence=hit.evidence,
        created_at=now,
    )


def deliveries_of(alert: Alert, webhooks: Sequence[str], now: datetime) -> list[Delivery]:
    """A delivery of `alert` to each of `webhooks` (names in the configuration), due at once; a name given twice counts once."""
    return [
        Delivery(
            id="msg_" + stable_id("delivery", alert.id, webhook),
            alert_id=alert.id,
            webhook=webhook,
            status="waiting",
            next_attempt_at=now,
        )
        for webhook in dict.fromkeys(webhooks)
    ]


def payload(alert: Alert) -> bytes:
    """The JSON body that tells of `alert`, under `MAX_PAYLOAD_BYTES`: long texts are cut with an ellipsis, long lists end early.

    The same bytes at every attempt, also where stories joined the alert since: it tells of the first. Evidence keeps the offsets of
    the whole span where its text is cut.
    """
    bodies = (orjson.dumps(_message(alert, room), option=orjson.OPT_UTC_Z) for room in _ROOMS)
    return next(body for body in bodies if len(body) <= MAX_PAYLOAD_BYTES)


def _message(alert: Alert, room: _Room) -> dict[str, Any]:
    return {
        "type": "alert.created",
        "timestamp": alert.created_at,
        "data": {
            "alert_id": _cut(alert.id, room),
            "watch": _cut(alert.watch, room),
            "event_id": _cut(alert.event_id, room),
            "story": _story(alert, room),
            "entities": [
                {"key": _cut(entity.key, room), "name": _cut(entity.name, room), "kind": entity.kind, "count": entity.count}
                for entity in alert.entities[: room.things]
            ],
            "evidence": [
                {"field": evidence.field, "start": evidence.start, "end": evidence.end, "text": _cut(evidence.text, room)}
                for evidence in alert.evidence[: room.things]
            ],
        },
    }


def _story(alert: Alert, room: _Room) -> dict[str, Any]:
    url = _web_address(alert.url)
    return {
        "id": _cut(alert.story_ids[0], room),
        "title": _cut(alert.title, room),
        "url": url,
        "source": _cut(alert.source, room),
        "published_at": alert.published_at,
        "link": url,
    }


def _cut(text: str, room: _Room) -> str:
    shortened = text if len(text) <= room.text else text[: room.text - 1] + "…"
    return _encodable(shortened)


def _encodable(text: str) -> str:
    """`text` with a question mark for each lone surrogate, which no UTF-8 can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _web_address(url: str | None) -> str | None:
    """`url` where a person may be sent there. A cut address would lead elsewhere, so that one too long is left out."""
    if url is None or not url.lower().startswith(("http://", "https://")) or not url.isprintable():
        return None
    return url if len(url.encode("utf-8", "replace")) <= _MAX_URL_BYTES else None
