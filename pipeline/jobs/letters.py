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
    """Put the content of `letters` back where it failed, due at `now`; how many were, and how many are refused again and stay.

    One whose content was not kept stays as it is: its file has to be read again. One of a delivery that is not given up (any
    more) has nothing to send, and goes.
    """
    sent = [letter for letter in letters if letter.payload and _sent_again(letter, store, now)]
    store.dead_letters.remove(sent)
    return len(sent), len(letters) - len(sent)


def _sent_again(letter: DeadLetter, store: Store, now: datetime) -> bool:
    try:
        if letter.kind == "delivery":
            _revive(letter.payload.decode(), store, now)
            return True
        store.landing.reopen(_versions(letter, now), now)
    except BadElement as error:
        store.dead_letters.add([letter._replace(error=str(error), at=now)])
        return False
    return True


def _versions(letter: DeadLetter, now: datetime) -> list[ItemVersion]:
    if letter.kind == "line":
        return [from_line(letter.payload, letter.about.rpartition(":")[0], now, tells=False)]
    if letter.kind == "document":
        return from_document(letter.payload, letter.about, now, tells=False)
    return [decode(letter.payload, ItemVersion)]


def _revive(delivery_id: str, store: Store, now: datetime) -> None:
    for alert in store.outbox.alerts():
        for delivery in store.outbox.deliveries([alert.id]):
            if delivery.id == delivery_id and delivery.status == "dead":
                store.outbox.record([revived(delivery, now)])
