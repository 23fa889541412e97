"""Dead letters sent through again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pipeline.alerts.schedule import revived
from pipeline.errors import BadElement
from pipeline.feeds.files import from_document, from_line
from pipeline.model import DeadLetter, ItemVersion
from pipeline.store.codec import decode
from pipeline.store.roles import Store


def send_again(letters: Sequence[DeadLetter], store: Store, now: datetime) -> tuple[int, int]:
    """Put the content of `letters` back where it failed, due at `now`; how many were, and how many are refused again and stay."""
    sent = [letter for letter in letters if _sent_again(letter, store, now)]
    store.dead_letters.remove([letter.id for letter in sent])
    return len(sent), len(letters) - len(sent)


def _sent_again(letter: DeadLetter, store: Store, now: datetime) -> bool:
    try:
        if letter.kind == "delivery":
            return _revive(letter.payload.decode(), store, now)
        store.landing.reopen(_versions(letter, now), now)
    except BadElement as error:
        store.dead_letters.add([letter._replace(error=str(error), at=now)])
        return False
    return True


def _versions(letter: DeadLetter, now: datetime) -> list[ItemVersion]:
    name = letter.about.rpartition("/")[2]
    if letter.kind == "line":
        return [from_line(letter.payload, name.rpartition(":")[0], now, tells=False)]
    if letter.kind == "document":
        return from_document(letter.payload, name, now, tells=False)
    return [decode(letter.payload, ItemVersion)]


def _revive(delivery_id: str, store: Store, now: datetime) -> bool:
    for alert in store.outbox.alerts():
        for delivery in store.outbox.deliveries([alert.id]):
            if delivery.id == delivery_id:
                store.outbox.record([revived(delivery, now)])
                return True
    return False
